/** A submission as the record has it: in pieces, since a sweep of a million trials is no row for a database. */
import { SweepError } from '../core/errors.js';
import type { JournalEvent } from '../core/events.js';
import type { SubmissionPart } from '../core/sweep/submission.js';

const TRIALS_PER_EVENT = 2_000;

/** @param trialIds of the whole submission, in its order */
export function* submittedEvents(
  { sweep, extend, owner, options }: SubmissionPart,
  submission: number,
  trialIds: readonly string[],
): Generator<JournalEvent> {
  let first = 0;
  do {
    const piece = trialIds.slice(first, first + TRIALS_PER_EVENT);
    const last = first + piece.length === trialIds.length;
    yield { kind: 'submitted', sweep, submission, first, trialIds: piece, last, extend, owner, options };
    first += piece.length;
  } while (first < trialIds.length);
}

export function misplacedPart(sweep: string, first: number, expected: number): SweepError {
  return new SweepError('USAGE', `trials of "${sweep}" came from ${first} on, expected ${expected}`, {
    hint: 'somebody else is submitting the same sweep, or the control plane began anew meanwhile; submit it again',
  });
}

export function namedTwice(sweep: string, trialId: string): SweepError {
  return new SweepError('USAGE', `sweep "${sweep}" names trial ${trialId} twice`);
}
