/** How a sweep is handed over. */
import type { Trial } from './domain.js';

/** Part of a sweep: trials from position `first` on. `first` 0 starts a submission, `last` completes it. */
export interface SubmissionPart {
  readonly sweep: string;
  readonly first: number;
  readonly trials: readonly Trial[];
  readonly last: boolean;
  /** Queue failed trials again whatever they failed of. */
  readonly retryFailed: boolean;
}
