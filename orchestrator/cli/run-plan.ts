/** Runs a plan on this machine: starts a control plane, submits, shows progress, ends with the table. */
import { SweepError } from '../core/errors.js';
import type { Plan } from '../plan/plan-sweep.js';
import { fetchMissing } from './ask-hub.js';
import { resolveHome } from './environment.js';
import { finishSweep } from './finish-sweep.js';
import type { LogLevel } from './logging.js';
import { notKeptLine } from './not-kept.js';
import { note, print } from './output.js';
import { explainLines, rejectionLines, summaryLine } from './plan-text.js';
import { findRunningPlane } from './running-plane.js';
import { isSubmitted, standingOf, withJournal } from './state.js';
import type { StopSignals } from './stop-signals.js';

export interface RunFlags {
  readonly home?: string | undefined;
  readonly workers?: string | undefined;
  readonly explain: boolean;
  readonly skipRejected?: boolean | undefined;
  readonly retryFailed: boolean;
  readonly rerun: boolean;
  readonly extend: boolean;
  readonly detach?: boolean | undefined;
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
  const { standing, submitted } = await withJournal(home, (journal) => ({
    standing: standingOf(journal, plan, flags),
    submitted: isSubmitted(journal, plan),
  }));
  say(`${plan.sweep}: ${summaryLine(plan, standing)}`);
  if (flags.explain) for (const line of explainLines(plan)) say(line);
  const notKept = notKeptLine(plan, standing, home);
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
  if (standing.toRun === 0 && submitted) return finishSweep(plan.sweep, { ...flags, home });

  if (standing.toRun > 0) {
    const stopped = await signals.orStatus(async () => {
      await fetchMissing(plan.missingWeights, signals.drain);
      return null;
    });
    if (stopped !== null) return stopped;
  }
  const serving = await findRunningPlane(home);
  if (serving?.serves === true) {
    const { runAttached } = await import('./run-attached.js');
    const left = await runAttached(plan, standing, { ...flags, plane: serving }, signals);
    return left ?? finishSweep(plan.sweep, { ...flags, home });
  }
  if (flags.detach === true) {
    throw new SweepError('USAGE', `--detach: no control plane serves the state folder ${home}`, {
      hint: 'start `dss serve` there: without one, the sweep ends with its command',
    });
  }
  const { runEmbedded } = await import('./run-embedded.js');
  const stopped = await runEmbedded(plan, standing, { ...flags, home, workers, graceMs }, signals);
  if (stopped !== null) return stopped;
  return finishSweep(plan.sweep, { ...flags, home });
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
