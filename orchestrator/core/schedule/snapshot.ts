/**
 * The state that decisions are made from. Changed in place, in O(log n) per event, since a control plane may have a
 * million trials; `decide` only looks, and what has come due by the time that it names stays so. It knows the trials of
 * live sweeps, which are those submitted to or taken up by this control plane, and whatever runs: a trial that waits
 * and that no live sweep wants is not here, hence never run.
 */

import type { Failure, LeaseRef, TrialState } from '../domain.js';
import type { JournalEvent } from '../events.js';
import type { SweepSummary } from '../watch-event.js';
import { Deaths, type DistrustedHost } from './deaths.js';
import type { Demand } from './demand.js';
import { KnownTrials } from './known-trials.js';
import { planLending } from './lending.js';
import { LentAttempts } from './lent-attempts.js';
import { type LivePlace, type LiveSweep, TurnOrder } from './live-sweep.js';
import { LOCAL_POOL } from './pool-keys.js';
import { foundNoRoom, hasDied, NOTHING_SPENT, speaksAgainstHost, spentAfter } from './retry.js';
import { isHeldBy } from './running-attempts.js';
import type { LendingPlan, LostLease, SchedulerView, WaitingLease } from './schedule.js';
import { needsWith, type SmallerAttempt } from './smaller-attempts.js';
import { bulkOf } from './trial-need.js';
import type { KnownTrial, TrialStanding } from './trial-standing.js';
import { type UnfitNeed, unfitNeeds } from './unfit.js';
import type { WorkerShape } from './worker-pool.js';

export type { LivePlace } from './live-sweep.js';
export type { TrialStanding } from './trial-standing.js';

/** What a worker has, and where; absent: one device, of which nothing is known, here, long since, and no gang. */
export type WorkerPlace = Pick<WorkerShape, 'memory' | 'address' | 'pool' | 'settledMs'>;

export class Snapshot implements SchedulerView {
  readonly #trials = new KnownTrials();
  readonly #lent: LentAttempts;
  readonly #deaths = new Deaths();
  #reservedFor: string | null = null;
  #gangsFromMs = Number.NEGATIVE_INFINITY;
  /** When it last looked what may be lent. */
  #plannedMs = Number.NEGATIVE_INFINITY;
  /** When time alone allows more than it found then. */
  #settledMs: number | null = null;

  constructor(leaseMs: number) {
    this.#lent = new LentAttempts(leaseMs, this.#trials);
  }

  // Looking.

  expired(nowMs: number): readonly LostLease[] {
    return this.#lent.expired(nowMs);
  }

  distrusted(): readonly DistrustedHost[] {
    return this.#deaths.distrusted();
  }

  /** Of a trial that has found no room on a disk: the host is drained, and other hosts are there. */
  leavesFullHost(trialId: string): boolean {
    return this.#deaths.hasFilled(trialId);
  }

  plan(nowMs: number): LendingPlan {
    this.#plannedMs = nowMs;
    this.#trials.comeDue(nowMs);
    const { grants, idle, reserveFor, settledMs } = planLending({
      sweeps: this.#trials.sweeps.all(),
      workers: this.#lent.workers,
      kindOf: (row) => this.#trials.table.kindOf(row),
      needOf: (row) => this.#trials.table.needNowOf(row),
      hasDiedOn: (row, workerId) => this.#deaths.of(row).includes(workerId),
      holder: this.#holder(nowMs),
      gangsMayBegin: nowMs >= this.#gangsFromMs,
      nowMs,
    });
    this.#settledMs = settledMs;
    return {
      grants: grants.map(({ row, workers }) => ({ trialId: this.#trials.table.idOf(row), workers })),
      recalls: idle.length === 0 ? [] : this.#lent.recallsFor(idle),
      reserveFor: reserveFor < 0 ? null : this.#trials.table.idOf(reserveFor),
    };
  }

  /** What waits for more than there is. */
  unfit(): readonly UnfitNeed[] {
    return unfitNeeds(this.#trials.sweeps.all(), (row) => this.#trials.table.needNowOf(row), this.#lent.workers);
  }

  get reservedFor(): string | null {
    return this.#reservedFor;
  }

  /** A worker once for each small attempt that it could begin. */
  freeSlots(): readonly string[] {
    return this.#lent.workers.freeSlots();
  }

  waiting(): readonly WaitingLease[] {
    return this.#lent.workers.waiting().map(({ lease, workerId }) => ({ lease, workerId }));
  }

  /**
   * When time alone will call for a decision; `null`: never. As of the last plan: what has come due since, while that was
   * carried out, calls for one at once. What had come due by then and found no slot waits for a slot, not for time: a
   * timer for it would ring for ever. Nor does the full hour by which a sweep rises call for anything, since a sweep
   * waits only where no slot is free.
   */
  nextWakeMs(): number | null {
    const gangsFromMs = this.#gangsFromMs > this.#plannedMs ? this.#gangsFromMs : null;
    const all = [this.#lent.nextMs, this.#trials.nextMs, gangsFromMs, this.#settledMs];
    const times = all.filter((each) => each !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  standing(trialId: string): KnownTrial | null {
    const row = this.#trials.table.find(trialId);
    return row < 0 ? null : this.#trials.table.get(row);
  }

  /** The workers on which attempts of a trial died, once for each, since its retry budgets began; as far as is known. */
  diedOn(trialId: string): readonly string[] {
    return this.#deaths.of(this.#trials.table.find(trialId));
  }

  /** Whom a trial is lent to; `null`: nobody. */
  holderOf(trialId: string): string | null {
    return this.#lent.find(trialId)?.workerId ?? null;
  }

  /** Whether several workers run it. */
  isOfGang(lease: LeaseRef): boolean {
    return (this.#lent.of(lease)?.parts ?? null) !== null;
  }

  /** In the order of their ranks, but for those who came back to another control plane; empty: nobody holds it. */
  membersOf(lease: LeaseRef): readonly string[] {
    const running = this.#lent.of(lease);
    return running === undefined ? [] : [running.workerId, ...running.others];
  }

  /** Whoever shows the token of an attempt whose gang nobody remembers belongs to it. */
  comeBack(lease: LeaseRef, workerId: string): void {
    const running = this.#lent.of(lease);
    if (running !== undefined) this.#lent.comeBack(running, workerId);
  }

  /** Whether it runs part of that attempt, and is not the one who speaks for it. */
  isFollower(lease: LeaseRef, workerId: string): boolean {
    return this.#lent.of(lease)?.others.includes(workerId) ?? false;
  }

  hasSeveralDevices(workerId: string): boolean {
    return this.#lent.workers.devicesOf(workerId) > 1;
  }

  /** Places among a worker's devices that an attempt has there. */
  placesOf(lease: LeaseRef, workerId: string): readonly number[] {
    const running = this.#lent.of(lease);
    return running === undefined ? [] : this.#lent.workers.placesOf(workerId, running);
  }

  isCurrent(lease: LeaseRef): boolean {
    return this.#lent.of(lease) !== undefined;
  }

  isLive(sweep: string): boolean {
    return this.#trials.sweeps.get(sweep) !== undefined;
  }

  summary(sweep: string): SweepSummary | null {
    const live = this.#trials.sweeps.get(sweep);
    return live === undefined ? null : { sweep, total: live.rows.length, counts: { ...live.counts } };
  }

  /** What a live sweep asks of its place; `null`: it is not live, or nothing of it waits or runs. */
  demandOf(sweep: string): Omit<Demand, 'sweep' | 'place'> | null {
    const live = this.#trials.sweeps.get(sweep);
    if (live === undefined) return null;
    const smaller = this.smaller().filter(({ sweeps }) => sweeps.includes(sweep));
    const needs = needsWith(live.needs, smaller);
    const [widest] = needs;
    if (widest === undefined) return null;
    const { devices, machines } = widest;
    return { waiting: live.counts.queued, running: live.counts.running, devices, machines, needs };
  }

  smaller(): readonly SmallerAttempt[] {
    return [...this.#lent.smaller()].map(({ row, lease: { trialId }, need: { machines } }) => {
      return { trialId, sweeps: this.sweepsOf(trialId), need: this.#trials.table.needOf(row), machines };
    });
  }

  /** What runs or is held ready of a live sweep, in the order of lending. */
  runningOf(sweep: string): readonly KnownTrial[] {
    const number = this.#trials.sweeps.get(sweep)?.number;
    const turnOf = (row: number) => this.#trials.table.memberships(row).find(({ sweep }) => sweep === number)?.turn;
    return this.#lent
      .all()
      .map(({ row }) => ({ row, turn: turnOf(row) ?? -1 }))
      .filter(({ turn }) => turn >= 0)
      .sort((a, b) => a.turn - b.turn)
      .map(({ row }) => this.#trials.table.get(row));
  }

  /** Names of the live sweeps that want a trial. */
  sweepsOf(trialId: string): readonly string[] {
    const row = this.#trials.table.find(trialId);
    return row < 0 ? [] : this.#trials.wanting(row).map(({ name }) => name);
  }

  /** Leases that a worker holds, in the order in which it begins them. */
  heldBy(workerId: string): readonly LeaseRef[] {
    return this.#lent.workers.lentTo(workerId).map(({ lease }) => lease);
  }

  /** Whether its worker, busy with others, has not begun it so far. */
  isWaiting(lease: LeaseRef): boolean {
    const running = this.#lent.of(lease);
    return running !== undefined && this.#lent.isWaiting(running);
  }

  get isIdle(): boolean {
    return this.#lent.size === 0;
  }

  running(): readonly LeaseRef[] {
    return this.#lent.all().map(({ lease }) => lease);
  }

  // Sweeps and trials.

  /** A sweep becomes live, or live with another set of trials. */
  addSweep(name: string, place: LivePlace, trials: Iterable<TrialStanding>, nowMs: number): void {
    const before = this.#trials.sweeps.get(name);
    if (before !== undefined) this.#leave(before, nowMs);
    const order = new TurnOrder();
    for (const standing of trials) order.add(this.#know(standing, nowMs), standing.seed, bulkOf(standing.need));
    const sweep = this.#trials.sweeps.add(name, place, order.turns(), nowMs);
    for (const [turn, row] of sweep.rows.entries()) {
      this.#trials.join(sweep, turn, row, nowMs);
      this.#lent.chargeIfUnpaid(row, nowMs);
    }
    if (before?.isOpen === true) sweep.keepAge(before);
    for (const row of before?.rows ?? []) this.#forgetIfUnwanted(row);
  }

  /** What runs of it goes on. */
  removeSweep(name: string, nowMs: number): void {
    const sweep = this.#trials.sweeps.get(name);
    if (sweep === undefined) return;
    this.#leave(sweep, nowMs);
    for (const row of sweep.rows) this.#forgetIfUnwanted(row);
  }

  /** An attempt that goes on under a worker of a former control plane: it gets one whole lease. */
  adopt(standing: TrialStanding, nowMs: number): void {
    this.#know(standing, nowMs);
  }

  /** Of a trial that is about to begin: who runs it besides the first. */
  gather(trialId: string, others: readonly string[]): void {
    this.#lent.gather(trialId, others);
  }

  apply(event: JournalEvent, nowMs: number): void {
    switch (event.kind) {
      case 'submitted':
      case 'sweep':
      case 'measured':
      case 'checkpointed':
        return;
      case 'queued':
        this.#change(event.trialId, 'queued', nowMs, (row) => {
          this.#trials.table.setSpent(row, NOTHING_SPENT);
          this.#deaths.forget(row);
        });
        return;
      case 'begun': {
        const { lease, workerId, machines = null } = event;
        if (this.#reservedFor === lease.trialId) this.#reservedFor = null;
        this.#change(lease.trialId, 'running', nowMs, (row) => {
          this.#trials.table.setAttempt(row, lease.attempt, lease.token, workerId, machines);
        });
        return;
      }
      case 'requeued': {
        const { lease, failure, delayMs } = event;
        if (failure !== null) this.#noteFailure(lease.trialId, failure);
        this.#change(lease.trialId, 'queued', nowMs, (row) => {
          this.#trials.table.setSpent(row, spentAfter(this.#trials.table.get(row).spent, failure));
          if (delayMs > 0) this.#trials.delay(row, nowMs + delayMs);
        });
        return;
      }
      case 'succeeded':
        this.#deaths.startAnew(this.#lent.workers.hostOf(this.holderOf(event.lease.trialId) ?? '') ?? '');
        this.#change(event.lease.trialId, 'succeeded', nowMs);
        return;
      case 'failed':
        this.#noteFailure(event.lease.trialId, event.failure);
        this.#change(event.lease.trialId, 'failed', nowMs);
        return;
      case 'cancelled':
        this.#change(event.trialId, 'cancelled', nowMs);
    }
  }

  /**
   * False: the lease is not that worker's, or not any more. A gang's lasts until one of its members has not renewed it
   * in time. `null`: for all of them.
   */
  renew(lease: LeaseRef, nowMs: number, workerId: string | null = null): boolean {
    const running = this.#lent.of(lease);
    if (running === undefined || (workerId !== null && !isHeldBy(running, workerId))) return false;
    this.#lent.renew(running, nowMs, workerId);
    return true;
  }

  /** An attempt is about to end. False: that is no news, or its lease is not its holder's any more. */
  noteEndsSoon(lease: LeaseRef): boolean {
    const running = this.#lent.of(lease);
    if (running === undefined || running.endsSoon) return false;
    this.#lent.workers.noteEndsSoon(running.workerId, running);
    return true;
  }

  // Workers.

  addWorker(workerId: string, slots: number, prefetch = 0, host = workerId, place: Partial<WorkerPlace> = {}): void {
    const unsaid: WorkerPlace = { memory: [], address: '', pool: LOCAL_POOL, settledMs: Number.NEGATIVE_INFINITY };
    this.#lent.addWorker(workerId, { host, slots, prefetch, ...unsaid, ...place });
  }

  lendNoGangBefore(untilMs: number): void {
    this.#gangsFromMs = untilMs;
  }

  /** Carries out the decision. */
  reserve(trialId: string | null): void {
    this.#reservedFor = trialId;
  }

  /** `settledMs`: until when others may come back as it did. */
  setAvailable(workerId: string, available: boolean, settledMs?: number): void {
    this.#lent.workers.setAvailable(workerId, available, settledMs);
  }

  removeWorker(workerId: string): void {
    this.#lent.workers.remove(workerId);
  }

  /** Carries out the decision; gives the workers that it meets. */
  drainHost(host: string, reason: string): readonly string[] {
    this.#deaths.startAnew(host);
    const workers = this.#lent.workers.trustedOn(host);
    for (const workerId of workers) this.#lent.workers.drain(workerId, reason);
    return workers;
  }

  /** Why a worker is lent nothing while others are there; empty: it is not so. */
  drainedReason(workerId: string): string {
    return this.#lent.workers.drainedReason(workerId);
  }

  // Inside.

  #know(standing: TrialStanding, nowMs: number): number {
    const { table } = this.#trials;
    const known = table.find(standing.trialId);
    if (known >= 0) {
      table.setShape(known, standing);
      return known;
    }
    const row = table.add(standing);
    if (standing.state === 'running') this.#lent.begin(row, nowMs);
    if (standing.state === 'queued') this.#trials.holdBack(row, nowMs);
    return row;
  }

  /** Its trials stay known. */
  #leave(sweep: LiveSweep, nowMs: number): void {
    this.#trials.sweeps.delete(sweep);
    for (const row of sweep.rows) this.#trials.table.leave(row, sweep.number);
    this.#lent.discharge(sweep, sweep.rows, nowMs);
  }

  #change(trialId: string, state: TrialState, nowMs: number, note: (row: number) => void = () => {}): void {
    const row = this.#trials.table.find(trialId);
    if (row < 0) return;
    this.#lent.end(row, nowMs);
    this.#trials.change(row, state, nowMs, note);
    if (state === 'running') this.#lent.begin(row, nowMs);
    this.#forgetIfUnwanted(row);
  }

  /** The trial that workers are reserved for, and the first of the live sweeps that want it. */
  #holder(nowMs: number): { readonly row: number; readonly sweep: LiveSweep } | null {
    const row = this.#reservedFor === null ? -1 : this.#trials.table.find(this.#reservedFor);
    if (row < 0 || !this.#trials.mayStart(row)) return null;
    const sweep = this.#trials.claimantOf(row, nowMs);
    return sweep === null ? null : { row, sweep };
  }

  /** Of an attempt that runs. Of a gang's, nobody knows whose fault it was. */
  #noteFailure(trialId: string, failure: Failure): void {
    const running = this.#lent.find(trialId);
    if (running === undefined || running.parts !== null) return;
    const { row, workerId } = running;
    if (hasDied(failure)) this.#deaths.add(row, workerId);
    const host = this.#lent.workers.hostOf(workerId);
    // Where it is the only one, trials would go on there all the same.
    if (foundNoRoom(failure) && host !== null && this.#lent.workers.hasTrustedBeside(host)) {
      this.#deaths.fill(host, trialId, failure.message);
    }
    if (speaksAgainstHost(failure)) this.#deaths.blame(host, trialId);
  }

  #forgetIfUnwanted(row: number): void {
    if (this.#trials.table.isWanted(row) || this.#lent.at(row) !== undefined) return;
    this.#deaths.forget(row);
    this.#trials.forget(row);
  }
}
