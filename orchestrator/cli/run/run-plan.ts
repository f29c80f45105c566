/** Runs a plan on this machine: starts a control plane, submits, shows progress, ends with the table. */
import type { NearHit } from '../../core/environment.js';
import { SweepError } from '../../core/errors.js';
import type { Plan } from '../../plan/plan-sweep.js';
import type { PlaceOf } from '../../sources/read-sweep-file.js';
import { fetchMissing } from '../data/ask-hub.js';
import { resolveHome } from '../environment.js';
import type { LogLevel } from '../logging.js';
import { note, print } from '../output.js';
import { withNeeds } from '../plan/memory-needs.js';
import { nearHitLines, nearHitsAhead, nearHitsOf } from '../plan/near-hits.js';
import { notKeptLine } from '../plan/not-kept.js';
import { isSubmitted, standingOf } from '../plan/plan-standing.js';
import { explainLines, type Standing, summaryLine } from '../plan/plan-text.js';
import { refuseMisfits } from '../plan/refuse-misfits.js';
import { nothingLeft, tellRejections } from '../plan/rejections.js';
import { withReader } from '../readers/sweep-reader.js';
import { findServer, type Server, type WhereFlags } from '../server/find-server.js';
import { findRunningPlane } from '../server/running-plane.js';
import type { StopSignals } from '../stop-signals.js';
import { finishSweep } from './finish-sweep.js';
import { startTracking } from './own-tracking.js';
import { parseGrace, parseSlots, parseWorkers } from './worker-flags.js';

export interface RunFlags extends WhereFlags {
  readonly workers?: string | undefined;
  readonly slots?: number | undefined;
  readonly explain: boolean;
  readonly skipRejected?: boolean | undefined;
  readonly retryFailed: boolean;
  readonly rerun: boolean;
  readonly extend: boolean;
  readonly detach?: boolean | undefined;
  /** A page shows it while it runs; `open`: in a browser, at once. */
  readonly web?: boolean | undefined;
  readonly open?: boolean | undefined;
  /** Where workers elsewhere come to it: HOST:PORT to listen on, and by which they reach it. */
  readonly listen?: string | undefined;
  readonly advertise?: string | undefined;
  /** Of the kubeconfig. */
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  /** Trials run though no device that is there has the memory for them. */
  readonly ignoreMemory?: boolean | undefined;
  /** In the sweep file, if there is one. */
  readonly placeOf?: PlaceOf | undefined;
  /** Seconds. */
  readonly grace: number;
  readonly logLevel: LogLevel;
  readonly json: boolean;
}

export async function runPlan(plan: Plan, flags: RunFlags, signals: StopSignals): Promise<number> {
  const home = resolveHome(flags.home);
  const workers = parseWorkers(flags.workers ?? 'auto');
  const slots = parseSlots(flags.slots ?? 1);
  const graceMs = parseGrace(flags.grace);
  const say = flags.json ? note : print;
  const server = await findServer(flags);
  const { standing, former, submitted } = await withReader(flags, async (reader) => {
    const sweep = await reader.sweep(plan.sweep);
    return {
      standing: await standingOf(reader, plan, flags),
      former: sweep,
      submitted: await isSubmitted(reader, plan, sweep),
    };
  });
  say(`${plan.sweep}: ${summaryLine(plan, standing)}`);
  if (flags.explain) for (const line of explainLines(plan)) say(line);
  const notKept = server === null ? notKeptLine(plan, standing, home) : null;
  if (notKept !== null) note(notKept);
  tellRejections(plan.rejected, { placeOf: flags.placeOf, isMistake: flags.skipRejected !== true });
  if (plan.rejected.length > 0 && !flags.skipRejected) {
    // `dss run` has one cell, and no such flag; and without a cell that can run it would not help.
    const hasOthers = flags.skipRejected !== undefined && plan.trials.length > 0;
    throw new SweepError(
      'CELLS_REJECTED',
      `${plan.rejected.length} of ${plan.requested} cells cannot run; nothing was started`,
      { hint: hasOthers ? 'mend them, or run the others with --skip-rejected' : '' },
    );
  }
  const empty = nothingLeft(plan);
  if (empty !== null) throw new SweepError('CELLS_REJECTED', empty);
  if (standing.toRun === 0 && submitted) {
    for (const line of nearHitLines(await hitsOf(plan, standing, flags))) note(line);
    await startTracking(plan.sweep, flags).finish(signals);
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
  const host = server ?? (await servingAt(home));
  if (host === null && flags.detach === true) {
    throw new SweepError('USAGE', `--detach: no control plane serves the state folder ${home}`, {
      hint: 'start `dss serve` there: without one, the sweep ends with its command',
    });
  }
  const findAgain = () => (server === null ? servingAt(home) : findServer(flags));
  const run: RunPart = async (part, stands, changes) => {
    const asked = { ...flags, ...changes };
    if (host !== null) {
      const { runAttached } = await import('./run-attached.js');
      return runAttached(part, stands, { ...asked, host, isNamed: server !== null, findAgain }, signals);
    }
    const { runEmbedded } = await import('./run-embedded.js');
    return runEmbedded(part, stands, { ...asked, home, workers, slots, graceMs }, signals);
  };
  const sized =
    standing.toRun === 0 ? plan : await withReader(flags, (reader) => withNeeds(plan, reader, host !== null));
  if (former?.standing.state === 'paused') note(`it was paused (${former.standing.reason}), and goes on`);
  const replace = (hits: readonly NearHit[]) => replaceNearHits(sized, hits, run);
  if (flags.detach === true) {
    // Nobody waits for what its workers are: it goes by what they were last.
    const hits = await withReader(flags, (reader) => nearHitsAhead(reader, plan, standing));
    const status = await run(sized, standing, {});
    return status === 0 ? ((await replace(hits)) ?? 0) : (status ?? 0);
  }
  const tracking = startTracking(plan.sweep, flags);
  let left: number | null;
  try {
    left = (await run(sized, standing, {})) ?? (await replace(await hitsOf(plan, standing, flags)));
  } finally {
    await tracking.finish(signals);
  }
  return left ?? finishSweep(plan.sweep, flags);
}

/** The one that stands there by itself; `null`: none does. */
async function servingAt(home: string): Promise<Server | null> {
  const plane = await findRunningPlane(home);
  return plane?.serves === true ? { address: plane.address, token: plane.clientToken } : null;
}

/** Gives the exit status of whoever left or was stopped before it had ended, else `null`. */
type RunPart = (plan: Plan, standing: Standing, changes: Partial<RunFlags>) => Promise<number | null>;

/** Says which results were taken over from another environment and, where the sweep wants none of those, runs them. */
async function replaceNearHits(plan: Plan, hits: readonly NearHit[], run: RunPart): Promise<number | null> {
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
