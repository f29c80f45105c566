/** Snapshot and time in, decisions out. The control plane carries them out. */
import type { Failure, LeaseRef } from './domain.js';
import { DEFAULT_BUDGET, judgeFailure, type RetryBudget, type Spent } from './retry.js';

export type Decision =
  | { readonly kind: 'grant'; readonly trialId: string; readonly workerId: string }
  | { readonly kind: 'requeue'; readonly lease: LeaseRef; readonly failure: Failure; readonly delayMs: number }
  | { readonly kind: 'fail'; readonly lease: LeaseRef; readonly failure: Failure };

export interface LostLease {
  readonly lease: LeaseRef;
  readonly workerId: string;
  readonly spent: Spent;
}

/** What deciding looks at; `Snapshot` is one. */
export interface SchedulerView {
  /** Leases whose deadline has come, earliest first. */
  expired(nowMs: number): readonly LostLease[];
  /** Trials that may start, in the order of the queue. */
  ready(nowMs: number, limit: number): readonly string[];
  /** A worker once for each attempt that it could take. */
  freeSlots(): readonly string[];
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
  const slots = snapshot.freeSlots();
  const starts = slots.length === 0 ? [] : snapshot.ready(nowMs, slots.length);
  return [...lost, ...starts.map((trialId, i): Decision => ({ kind: 'grant', trialId, workerId: slots[i] as string }))];
}

function takeBack({ lease, workerId, spent }: LostLease, budget: RetryBudget): Decision {
  const failure = leaseLost(workerId, lease.attempt);
  const verdict = judgeFailure(failure, spent, 0, budget);
  return verdict.kind === 'fail' ? { kind: 'fail', lease, failure } : { ...verdict, lease, failure };
}
