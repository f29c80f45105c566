/**
 * Snapshot and time in, decisions out. The control plane carries them out and asks again until there are none.
 *
 * A trial is lent to a busy worker ahead of time when an attempt there is about to end and no other worker could begin
 * it at once, so that the worker need not wait for it. It is taken back as soon as another worker could.
 */
import type { DistrustedHost } from './deaths.js';
import type { Failure, LeaseRef } from './domain.js';
import { DEFAULT_BUDGET, judgeFailure, type RetryBudget, type Spent } from './retry.js';

export type Decision =
  | { readonly kind: 'grant'; readonly trialId: string; readonly workerId: string }
  /** Has not begun where it was lent to: costs no budget. */
  | { readonly kind: 'recall'; readonly lease: LeaseRef; readonly workerId: string }
  | { readonly kind: 'requeue'; readonly lease: LeaseRef; readonly failure: Failure; readonly delayMs: number }
  | { readonly kind: 'fail'; readonly lease: LeaseRef; readonly failure: Failure }
  /** Its workers are lent nothing more while others are there, until they are other processes. */
  | { readonly kind: 'drain'; readonly host: string; readonly reason: string };

export interface LostLease {
  readonly lease: LeaseRef;
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
  /** The trials for these slots, one each in the order of lending: fewer where fewer may start. */
  next(slots: readonly string[], nowMs: number): readonly string[];
  /** A worker once for each attempt that it could begin. */
  freeSlots(): readonly string[];
  /** A worker once for each attempt that it could hold ready, as one that it runs is about to end. */
  aheadSlots(): readonly string[];
  /** What was lent ahead to workers within reach and has not begun, the earliest first. */
  waiting(): readonly WaitingLease[];
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
  const free = snapshot.freeSlots();
  const slots = [...free, ...snapshot.aheadSlots()];
  const starts = snapshot.next(slots, nowMs);
  const grants = starts.map((trialId, i): Decision => ({ kind: 'grant', trialId, workerId: slots[i] as string }));
  const idle = free.length - starts.length;
  if (idle <= 0) return grants;
  const recalls = snapshot.waiting().slice(0, idle);
  return [...grants, ...recalls.map((waiting): Decision => ({ kind: 'recall', ...waiting }))];
}

function takeBack({ lease, workerId, spent, isWaiting }: LostLease, budget: RetryBudget): Decision {
  if (isWaiting) return { kind: 'recall', lease, workerId };
  const failure = leaseLost(workerId, lease.attempt);
  const verdict = judgeFailure(failure, { spent, diedOn: [], workerId }, 0, budget);
  return { failure, ...verdict, lease };
}
