/** Which failures earn another attempt, and when. */
import type { Failure } from './domain.js';

/** How often a trial has come back to the queue after each kind of failure since it was last submitted. */
export interface Spent {
  readonly infrastructure: number;
  readonly lost: number;
  /** Of both: those that ended with the death of the process they ran in. */
  readonly crashes: number;
}

export const NOTHING_SPENT: Spent = { infrastructure: 0, lost: 0, crashes: 0 };

/** What failures of a process's death are called. Not a lease that ran out: nobody knows what became of it. */
const CRASHES: ReadonlySet<string> = new Set(['WORKER_EXITED', 'CHILD_KILLED', 'CHILD_CRASHED']);

export function isCrash({ code }: Failure): boolean {
  return CRASHES.has(code);
}

/** After another attempt has gone back to the queue; without a failure it costs nothing. */
export function spentAfter(spent: Spent, failure: Failure | null): Spent {
  if (failure === null) return spent;
  return {
    infrastructure: spent.infrastructure + (failure.kind === 'infrastructure' ? 1 : 0),
    lost: spent.lost + (failure.kind === 'lost' ? 1 : 0),
    crashes: spent.crashes + (isCrash(failure) ? 1 : 0),
  };
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
