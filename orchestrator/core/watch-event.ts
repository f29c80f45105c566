/** What someone who watches a sweep is told. */
import type { Failure, TrialState } from './domain.js';
import type { ResultGlance } from './records.js';
import type { TrialProgress } from './trial-progress.js';

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
  readonly slots: number;
  /** In the order in which it began them; what it holds ready is not among them. */
  readonly running: readonly TrialProgress[];
  readonly gone: boolean;
}

export type WatchEvent =
  | { readonly kind: 'summary'; readonly summary: SweepSummary }
  | { readonly kind: 'trial'; readonly trial: TrialChange }
  | { readonly kind: 'worker'; readonly worker: WorkerState };

export const NO_TRIALS: StateCounts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };

/** Nothing of the sweep waits or runs any more. */
export function hasEnded(counts: StateCounts): boolean {
  return counts.queued + counts.running === 0;
}
