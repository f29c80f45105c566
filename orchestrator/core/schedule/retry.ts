/** Which failures earn another attempt, and when. */
import type { Failure } from '../domain.js';

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

const QUARANTINED = 'TRIAL_QUARANTINED';

/** A process that was taken away did not die of anything, whatever its end is called. */
export function isCrash({ code, kind }: Failure): boolean {
  return kind !== 'preempted' && CRASHES.has(code);
}

/** Whether the process that ran the attempt has died, whatever that was made of. */
export function hasDied(failure: Failure): boolean {
  return isCrash(failure) || failure.code === QUARANTINED;
}

/** What a machine does to whatever trial runs there, when it is short of memory or stands still. */
const TROUBLE: ReadonlySet<string> = new Set([
  'CHILD_HUNG',
  'OUT_OF_MEMORY',
  'GPU_OUT_OF_MEMORY',
  'KILLED_OUT_OF_MEMORY',
]);

/** Whether the machine may be to blame, should the same happen there to one trial after the other. */
export function speaksAgainstHost(failure: Failure): boolean {
  return hasDied(failure) || TROUBLE.has(failure.code);
}

/** The next trial would meet the same on the disks of that machine, as a worker says. */
export function foundNoRoom({ code }: Failure): boolean {
  return code === 'DISK_FULL';
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

/** How a trial stood when an attempt of it failed. */
export interface Suffered {
  readonly spent: Spent;
  /** Where attempts of it died, once for each of these that is known; there may have been more before. */
  readonly diedOn: readonly string[];
  /** Where it failed now. */
  readonly workerId: string;
}

/** Attempts in all that may end in each kind of failure. */
export interface RetryBudget {
  readonly infrastructure: number;
  readonly lost: number;
  /** Deaths of the process on so many different workers. */
  readonly crashes: number;
  /** Wait after the first infrastructure failure; it doubles with each further one. */
  readonly backoffMs: number;
}

/** A crash may be the trial's own doing, so few; a killed worker hardly ever is, so many, unless it is worker after worker. */
export const DEFAULT_BUDGET: RetryBudget = { infrastructure: 3, lost: 10, crashes: 3, backoffMs: 1_000 };

export type RetryVerdict =
  | { readonly kind: 'requeue'; readonly delayMs: number }
  | { readonly kind: 'fail'; readonly failure: Failure };

/** `jitter` in [0, 1) spreads trials that failed together: up to one more backoff. */
export function judgeFailure(
  failure: Failure,
  suffered: Suffered,
  jitter: number,
  budget: RetryBudget = DEFAULT_BUDGET,
): RetryVerdict {
  const { spent } = suffered;
  if (isCrash(failure) && workersLost(suffered) >= budget.crashes) {
    return { kind: 'fail', failure: quarantined(failure, suffered) };
  }
  switch (failure.kind) {
    case 'user':
      return { kind: 'fail', failure };
    case 'infrastructure':
      if (spent.infrastructure + 1 >= budget.infrastructure) return { kind: 'fail', failure };
      return { kind: 'requeue', delayMs: budget.backoffMs * (2 ** spent.infrastructure + jitter) };
    case 'lost':
      return spent.lost + 1 >= budget.lost ? { kind: 'fail', failure } : { kind: 'requeue', delayMs: 0 };
    case 'preempted':
      return { kind: 'requeue', delayMs: 0 };
  }
}

/** Different workers, as far as they are known; each of the deaths before that counts as one. */
function workersLost({ spent, diedOn, workerId }: Suffered): number {
  return new Set([...diedOn, workerId]).size + Math.max(0, spent.crashes - diedOn.length);
}

/** Not run again by submitting it again: whoever looks into it says so. */
function quarantined(failure: Failure, suffered: Suffered): Failure {
  const names = [...new Set([...suffered.diedOn, suffered.workerId])].join(', ');
  return {
    code: QUARANTINED,
    message: `the process that ran it died on ${workersLost(suffered)} workers (${names}), at last so: ${failure.message}`,
    hint: "its log says how far it came; 'dss retry SWEEP --failed' queues it again once that is understood",
    detail: failure.detail,
    kind: 'user',
  };
}

/** Whether submitting a failed trial again runs it again: what its own settings broke stays broken. */
export function isRunAgainOnSubmit(failure: Failure | null, retryFailed: boolean): boolean {
  return retryFailed || failure === null || failure.kind !== 'user';
}
