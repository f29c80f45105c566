/** How a sweep is handed over. */
import type { Failure, Trial, TrialState } from '../domain.js';
import { isRunAgainOnSubmit } from '../schedule/retry.js';
import type { SweepOptions } from './sweep-options.js';

/** Part of a sweep: trials from position `first` on. `first` 0 starts a submission, `last` completes it. */
export interface SubmissionPart {
  readonly sweep: string;
  readonly first: number;
  readonly trials: readonly Trial[];
  readonly last: boolean;
  /** Queue failed trials again whatever they failed of. */
  readonly retryFailed: boolean;
  /** Queue trials again that have a result. */
  readonly rerun: boolean;
  /** Join the trials that the sweep has; without it, another set of trials under its name is refused. */
  readonly extend: boolean;
  readonly options: SweepOptions;
  /** Who submits; empty: the owner of the state folder. */
  readonly owner: string;
}

/** Whether a submission queues a trial again that it did not bring. */
export function isQueuedAgain(
  { state, failure }: { readonly state: TrialState; readonly failure: Failure | null },
  { retryFailed, rerun }: Pick<SubmissionPart, 'retryFailed' | 'rerun'>,
): boolean {
  switch (state) {
    case 'queued':
    case 'running':
      return false;
    case 'cancelled':
      return true;
    case 'failed':
      return isRunAgainOnSubmit(failure, retryFailed);
    case 'succeeded':
      return rerun;
  }
}
