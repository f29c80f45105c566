/** What someone who watches a sweep is told. */
import type { Failure, TrialState } from './domain.js';
import type { ResultGlance } from './records.js';

export type StateCounts = Readonly<Record<TrialState, number>>;

export interface SweepSummary {
  readonly sweep: string;
  readonly total: number;
  readonly counts: StateCounts;
}

export interface TrialChange {
  readonly trialId: string;
  readonly state: TrialState;
  readonly attempt: number;
  /** Empty unless the change has to do with a worker. */
  readonly workerId: string;
  readonly failure: Failure | null;
  /** State `succeeded` only. */
  readonly result: ResultGlance | null;
}

export interface WorkerState {
  readonly workerId: string;
  /** Empty: idle. */
  readonly trialId: string;
  readonly step: number;
  readonly maxSteps: number;
  readonly loss: number;
  readonly examplesPerSecond: number;
  readonly phase: string;
  readonly gone: boolean;
}

export type WatchEvent =
  | { readonly kind: 'summary'; readonly summary: SweepSummary }
  | { readonly kind: 'trial'; readonly trial: TrialChange }
  | { readonly kind: 'worker'; readonly worker: WorkerState };

export function idleWorker(workerId: string): WorkerState {
  return { workerId, trialId: '', step: 0, maxSteps: 0, loss: 0, examplesPerSecond: 0, phase: '', gone: false };
}

export const NO_TRIALS: StateCounts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };

/** Nothing of the sweep waits or runs any more. */
export function hasEnded(counts: StateCounts): boolean {
  return counts.queued + counts.running === 0;
}
