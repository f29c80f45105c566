/** Submissions, whole ones unless a test says otherwise. */
import type { SubmissionPart } from '../../orchestrator/core/sweep/submission.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { trialOf } from './trials.js';

export function partOf(
  sweep: string,
  numbers: readonly number[],
  changes: Partial<SubmissionPart> = {},
): SubmissionPart {
  return {
    sweep,
    first: 0,
    trials: numbers.map((number) => trialOf(number)),
    last: true,
    retryFailed: false,
    rerun: false,
    extend: false,
    options: DEFAULT_SWEEP_OPTIONS,
    owner: '',
    ...changes,
  };
}
