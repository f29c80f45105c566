/** Which failures earn another attempt, and when. */
import type { Failure } from './domain.js';

/** How often a trial has come back to the queue after each kind of failure since it was last submitted. */
export interface Spent {
  readonly infrastructure: number;
  readonly lost: number;
}

/** Attempts in all that may end in each kind of failure. */
export interface RetryBudget {
  readonly infrastructure: number;
  readonly lost: number;
  /** Wait after the first infrastructure failure; it doubles with each further one. */
  readonly backoffMs: number;
}

/** A crash may be the trial's own doing, so few; a killed worker hardly ever is, so many. */
export const DEFAULT_BUDGET: RetryBudget = { infrastructure: 3, lost: 10, backoffMs: 1_000 };

export type RetryVerdict = { readonly kind: 'requeue'; readonly delayMs: number } | { readonly kind: 'fail' };

/** `jitter` in [0, 1) spreads trials that failed together: up to one more backoff. */
export function judgeFailure(
  failure: Failure,
  spent: Spent,
  jitter: number,
  budget: RetryBudget = DEFAULT_BUDGET,
): RetryVerdict {
  switch (failure.kind) {
    case 'user':
      return { kind: 'fail' };
    case 'infrastructure':
      if (spent.infrastructure + 1 >= budget.infrastructure) return { kind: 'fail' };
      return { kind: 'requeue', delayMs: budget.backoffMs * (2 ** spent.infrastructure + jitter) };
    case 'lost':
      return spent.lost + 1 >= budget.lost ? { kind: 'fail' } : { kind: 'requeue', delayMs: 0 };
  }
}

/** Whether submitting a failed trial again runs it again: what its own settings broke stays broken. */
export function isRunAgainOnSubmit(failure: Failure | null, retryFailed: boolean): boolean {
  return retryFailed || failure === null || failure.kind !== 'user';
}
