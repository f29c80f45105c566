/** Runs a plan on this machine: starts a control plane, submits, shows progress, ends with the table. */
import type { NearHit } from '../core/environment.js';
import { SweepError } from '../core/errors.js';
import type { Plan } from '../plan/plan-sweep.js';
import { fetchMissing } from './ask-hub.js';
import { resolveHome } from './environment.js';
import { findServer, type WhereFlags } from './find-server.js';
import { finishSweep } from './finish-sweep.js';
import type { LogLevel } from './logging.js';
import { nearHitLines, nearHitsOf } from './near-hits.js';
import { notKeptLine } from './not-kept.js';
import { note, print } from './output.js';
import { isSubmitted, standingOf } from './plan-standing.js';
import { explainLines, rejectionLines, type Standing, summaryLine } from './plan-text.js';
import { refuseMisfits } from './refuse-misfits.js';
import { findRunningPlane } from './running-plane.js';
import type { StopSignals } from './stop-signals.js';
import { withReader } from './sweep-reader.js';

export interface RunFlags extends WhereFlags {
  readonly workers?: string | undefined;
  readonly explain: boolean;
  readonly skipRejected?: boolean | undefined;
  readonly retryFailed: boolean;
  readonly rerun: boolean;
  readonly extend: boolean;
  readonly detach?: boolean | undefined;
  /** Trials run though no device that is there has the memory for them. */
  readonly ignoreMemory?: boolean | undefined;
  /** Seconds. */
  readonly grace: number;
  readonly logLevel: LogLevel;
  readonly json: boolean;
}

export async function runPlan(plan: Plan, flags: RunFlags, signals: StopSignals): Promise<number> {
  const home = resolveHome(flags.home);
  const workers = parseWorkers(flags.workers ?? 'auto');
  const graceMs = parseGrace(flags.grace);
  const say = flags.json ? note : print;
  const server = await findServer(flags);
  const { standing, submitted } = await withReader(flags, async (reader) => ({
    standing: await standingOf(reader, plan, flags),
    submitted: await isSubmitted(reader, plan),
  }));
  say(`${plan.sweep}: ${summaryLine(plan, standing)}`);
  if (flags.explain) for (const line of explainLines(plan)) say(line);
  const notKept = server === null ? notKeptLine(plan, standing, home) : null;
  if (notKept !== null) note(notKept);
  if (plan.rejected.length > 0) {
    for (const line of rejectionLines(plan)) note(line);
    if (!flags.skipRejected) {
      throw new SweepError(
        'CELLS_REJECTED',
        `${plan.rejected.length} of ${plan.requested} cells cannot run; nothing was started`,
        {
          // `dss run` has one cell, and no such flag.
          hint: flags.skipRejected === undefined ? '' : 'mend them, or run the others with --skip-rejected',
        },
      );
    }
  }
  if (plan.trials.length === 0) {
    throw new SweepError('CELLS_REJECTED', 'no cell is left to run');
  }
  if (standing.toRun === 0 && submitted) {
    for (const line of nearHitLines(await hitsOf(plan, standing, flags))) note(line);
    return finishSweep(plan.sweep, flags);
  }

  if (standing.toRun > 0) {
    await refuseMisfits(plan, standing, flags, server);
    const stopped = await signals.orStatus(async () => {
      await fetchMissing(plan.missingWeights, signals.drain);
      return null;
    });
    if (stopped !== null) return stopped;
  }
  const serving = server === null ? await findRunningPlane(home) : null;
  const host = server ?? (serving?.serves === true ? { address: serving.address, token: serving.clientToken } : null);
  if (host === null && flags.detach === true) {
    throw new SweepError('USAGE', `--detach: no control plane serves the state folder ${home}`, {
      hint: 'start `dss serve` there: without one, the sweep ends with its command',
    });
  }
  const run: RunPart = async (part, stands, changes) => {
    const asked = { ...flags, ...changes };
    if (host !== null) {
      const { runAttached } = await import('./run-attached.js');
      return runAttached(part, stands, { ...asked, host, isNamed: server !== null }, signals);
    }
    const { runEmbedded } = await import('./run-embedded.js');
    return runEmbedded(part, stands, { ...asked, home, workers, graceMs }, signals);
  };
  const left = (await run(plan, standing, {})) ?? (await replaceNearHits(plan, standing, flags, run));
  return left ?? finishSweep(plan.sweep, flags);
}

/** Gives the exit status of whoever left or was stopped before it had ended, else `null`. */
type RunPart = (plan: Plan, standing: Standing, changes: Partial<RunFlags>) => Promise<number | null>;

/** Says which results were taken over from another environment and, where the sweep wants none of those, runs them. */
async function replaceNearHits(plan: Plan, standing: Standing, flags: RunFlags, run: RunPart): Promise<number | null> {
  const hits = await hitsOf(plan, standing, flags);
  for (const line of nearHitLines(hits)) note(line);
  if (hits.length === 0) return null;
  if (plan.reuse === 'any') {
    note('they count; with `reuse: same-environment` below `run` they are run again');
    return null;
  }
  note('they are run again, since the sweep file says `reuse: same-environment`');
  const ids = new Set(hits.map(({ trialId }) => trialId));
  const trials = plan.trials.filter(({ trialId }) => ids.has(trialId));
  const nothing: Standing = { done: 0, failedBefore: 0, toRun: trials.length, states: new Map() };
  return run({ ...plan, trials }, nothing, { rerun: true, extend: true });
}

function hitsOf(plan: Plan, standing: Standing, flags: RunFlags): Promise<readonly NearHit[]> {
  return withReader(flags, (reader) => nearHitsOf(reader, plan, standing));
}

export function parseWorkers(text: string): 'auto' | number {
  if (text === 'auto') return text;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1024) return count;
  throw new SweepError('USAGE', `--workers: expected auto or a number from 1 to 1024, got "${text}"`);
}

export function parseGrace(seconds: number): number {
  if (seconds >= 0 && seconds <= 86_400) return Math.round(seconds * 1000);
  throw new SweepError('USAGE', `--grace: expected seconds from 0 to 86400, got ${seconds}`);
}
