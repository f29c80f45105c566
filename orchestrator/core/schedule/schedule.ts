/**
 * Snapshot and time in, decisions out. The control plane carries them out and asks again until there are none.
 *
 * A trial is lent to a busy worker ahead of time when an attempt there is about to end and no other worker could begin
 * it at once, so that the worker need not wait for it. It is taken back as soon as another worker could.
 */

import type { Failure, LeaseRef } from '../domain.js';
import type { DistrustedHost } from './deaths.js';
import { DEFAULT_BUDGET, judgeFailure, type RetryBudget, type Spent } from './retry.js';

export type Decision =
  /** `others`: the rest of a gang, in the order of their ranks; it is lent to all of them or to nobody. */
  | {
      readonly kind: 'grant';
      readonly trialId: string;
      readonly workerId: string;
      readonly others?: readonly string[];
    }
  /** For a trial that waits for more than is free; see lending-order.ts. `null`: for none any more. */
  | { readonly kind: 'reserve'; readonly trialId: string | null }
  /** Has not begun where it was lent to: costs no budget. */
  | { readonly kind: 'recall'; readonly lease: LeaseRef; readonly workerId: string }
  /** `workerId`: who was not heard of in time. */
  | {
      readonly kind: 'requeue';
      readonly lease: LeaseRef;
      readonly workerId: string;
      readonly failure: Failure;
      readonly delayMs: number;
    }
  | { readonly kind: 'fail'; readonly lease: LeaseRef; readonly workerId: string; readonly failure: Failure }
  /** Its workers are lent nothing more while others are there, until they are other processes. */
  | { readonly kind: 'drain'; readonly host: string; readonly reason: string };

export interface LostLease {
  readonly lease: LeaseRef;
  /** Of a gang, the member that was not heard of for longest. */
  readonly workerId: string;
  readonly spent: Spent;
  /** It was lent ahead, and has not begun. */
  readonly isWaiting: boolean;
}

export interface WaitingLease {
  readonly lease: LeaseRef;
  readonly workerId: string;
}

/** What deciding looks at; `Snapshot` is one. */
export interface SchedulerView {
  /** Leases whose deadline has come, earliest first. */
  expired(nowMs: number): readonly LostLease[];
  /** Hosts on which trial after trial has died, and why they are not trusted. */
  distrusted(): readonly DistrustedHost[];
  /** Which trials may be lent now, and where, in the order of lending. */
  plan(nowMs: number): LendingPlan;
  /** For which trial workers are reserved; `null`: for none. */
  readonly reservedFor: string | null;
}

export interface LendingPlan {
  /** Each with all the workers that it needs. */
  readonly grants: readonly { readonly trialId: string; readonly workers: readonly string[] }[];
  /** What was lent ahead, has not begun and could begin at once elsewhere. */
  readonly recalls: readonly WaitingLease[];
  /** For which trial workers should be reserved; `null`: for none. */
  readonly reserveFor: string | null;
}

function leaseLost(workerId: string, attempt: number): Failure {
  return {
    code: 'LEASE_LOST',
    message: `worker ${workerId} was not heard of in time during attempt ${attempt}`,
    hint: "look at the worker's log; a machine that is short of memory or asleep does this",
    detail: '',
    kind: 'lost',
  };
}

/** What should happen next. Same snapshot, same `nowMs`: same decisions, in the same order. */
export function decide(
  snapshot: SchedulerView,
  nowMs: number,
  budget: RetryBudget = DEFAULT_BUDGET,
): readonly Decision[] {
  const lost = snapshot.expired(nowMs).map((expired) => takeBack(expired, budget));
  const drained = snapshot.distrusted().map((host): Decision => ({ kind: 'drain', ...host }));
  if (lost.length + drained.length > 0) return [...lost, ...drained]; // which changes what may start, and where
  const { grants, recalls, reserveFor } = snapshot.plan(nowMs);
  return [
    ...(reserveFor === snapshot.reservedFor ? [] : [{ kind: 'reserve', trialId: reserveFor } as const]),
    ...grants.map(({ trialId, workers: [workerId = '', ...others] }): Decision => {
      return { kind: 'grant', trialId, workerId, ...(others.length === 0 ? {} : { others }) };
    }),
    ...recalls.map((waiting): Decision => ({ kind: 'recall', ...waiting })),
  ];
}

function takeBack({ lease, workerId, spent, isWaiting }: LostLease, budget: RetryBudget): Decision {
  if (isWaiting) return { kind: 'recall', lease, workerId };
  const failure = leaseLost(workerId, lease.attempt);
  const verdict = judgeFailure(failure, { spent, diedOn: [], workerId }, 0, budget);
  return { failure, ...verdict, lease, workerId };
}
