/**
 * The state that decisions are made from. Changed in place, in O(log n) per event, since a control plane may have a
 * million trials; `decide` only looks, and what has come due by the time that it names stays so. It knows the trials of
 * live sweeps, which are those submitted to or taken up by this control plane, and whatever runs: a trial that waits
 * and that no live sweep wants is not here, hence never run.
 */
import { Deaths, type DistrustedHost } from './deaths.js';
import { Delays } from './delays.js';
import type { Failure, LeaseRef, TrialState } from './domain.js';
import type { JournalEvent } from './events.js';
import { planLending } from './lending.js';
import { compareClaims } from './lending-order.js';
import { LendingRoom } from './lending-room.js';
import { type LivePlace, type LiveSweep, TurnOrder } from './live-sweep.js';
import { LiveSweeps } from './live-sweeps.js';
import { hasDied, NOTHING_SPENT, speaksAgainstHost, spentAfter } from './retry.js';
import { isHeldBy, lateOf, partsOf, type Running, RunningAttempts } from './running-attempts.js';
import type { LendingPlan, LostLease, SchedulerView, WaitingLease } from './schedule.js';
import { bulkOf, sizeOf } from './trial-need.js';
import type { KnownTrial, TrialStanding } from './trial-standing.js';
import { TrialTable } from './trial-table.js';
import { unfitNeeds } from './unfit.js';
import type { SweepSummary } from './watch-event.js';
import { WorkerPool, type WorkerShape } from './worker-pool.js';

export type { LivePlace } from './live-sweep.js';
export type { TrialStanding } from './trial-standing.js';

/** What a worker has, and where; absent: one device, of which nothing is known, and no gang. */
export type WorkerPlace = Pick<WorkerShape, 'memory' | 'address'>;

export class Snapshot implements SchedulerView {
  readonly #leaseMs: number;
  readonly #trials = new TrialTable();
  readonly #sweeps = new LiveSweeps();
  readonly #workers = new WorkerPool<Running>();
  readonly #running = new RunningAttempts();
  readonly #delays = new Delays();
  readonly #deaths = new Deaths();
  #reservedFor: string | null = null;
  #gangsFromMs = Number.NEGATIVE_INFINITY;
  /**
   * By trial, where a gang has ended: until when some of it may be out of reach and at it, for which one lease is enough.
   * Nobody is lent it before.
   */
  readonly #heldBack = new Map<string, number>();
  /** By trial: who is about to be lent it besides its holder. */
  readonly #gathered = new Map<string, readonly string[]>();

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  // Looking.

  expired(nowMs: number): readonly LostLease[] {
    return this.#running.expired(nowMs).map((each) => ({
      lease: each.lease,
      workerId: lateOf(each),
      spent: this.#trials.get(each.row).spent,
      isWaiting: this.#workers.isWaiting(each.workerId, each),
    }));
  }

  distrusted(): readonly DistrustedHost[] {
    return this.#deaths.distrusted();
  }

  plan(nowMs: number): LendingPlan {
    this.#comeDue(nowMs);
    const { grants, idle, reserveFor } = planLending({
      sweeps: this.#sweeps.all(),
      workers: this.#workers,
      kindOf: (row) => this.#trials.kindOf(row),
      needOf: (row) => this.#trials.needOf(row),
      hasDiedOn: (row, workerId) => this.#deaths.of(row).includes(workerId),
      holder: this.#holder(nowMs),
      gangsMayBegin: nowMs >= this.#gangsFromMs,
      nowMs,
    });
    return {
      grants: grants.map(({ row, workers }) => ({ trialId: this.#trials.idOf(row), workers })),
      recalls: idle.length === 0 ? [] : this.#recallsFor(idle),
      reserveFor: reserveFor < 0 ? null : this.#trials.idOf(reserveFor),
    };
  }

  /** What waits for more than there is, in words. */
  unfit(): readonly string[] {
    return unfitNeeds(this.#sweeps.all(), (row) => this.#trials.needOf(row), this.#workers);
  }

  get reservedFor(): string | null {
    return this.#reservedFor;
  }

  /** A worker once for each small attempt that it could begin. */
  freeSlots(): readonly string[] {
    return this.#workers.freeSlots();
  }

  waiting(): readonly WaitingLease[] {
    return this.#workers.waiting().map(({ lease, workerId }) => ({ lease, workerId }));
  }

  /**
   * When time alone will call for a decision; `null`: never. What has come due and finds no slot waits for a slot, not
   * for time: a timer for it would ring for ever. Nor does the full hour by which a sweep rises call for anything, since
   * a sweep waits only where no slot is free.
   */
  nextWakeMs(nowMs = Number.NEGATIVE_INFINITY): number | null {
    this.#comeDue(nowMs);
    const gangsFromMs = this.#gangsFromMs > nowMs ? this.#gangsFromMs : null;
    const times = [this.#running.nextMs, this.#delays.nextMs, gangsFromMs].filter((each) => each !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  standing(trialId: string): KnownTrial | null {
    const row = this.#trials.find(trialId);
    return row < 0 ? null : this.#trials.get(row);
  }

  /** The workers on which attempts of a trial died, once for each, since its retry budgets began; as far as is known. */
  diedOn(trialId: string): readonly string[] {
    return this.#deaths.of(this.#trials.find(trialId));
  }

  /** Whom a trial is lent to; `null`: nobody. */
  holderOf(trialId: string): string | null {
    return this.#running.get(this.#trials.find(trialId))?.workerId ?? null;
  }

  /** Whether several workers run it. */
  isOfGang(lease: LeaseRef): boolean {
    return (this.#runningOf(lease)?.parts ?? null) !== null;
  }

  /** In the order of their ranks, but for those who came back to another control plane; empty: nobody holds it. */
  membersOf(lease: LeaseRef): readonly string[] {
    const running = this.#runningOf(lease);
    return running === undefined ? [] : [running.workerId, ...running.others];
  }

  /** Whoever shows the token of an attempt whose gang nobody remembers belongs to it. */
  comeBack(lease: LeaseRef, workerId: string): void {
    const running = this.#runningOf(lease);
    if (running === undefined || running.missing === 0 || isHeldBy(running, workerId)) return;
    this.#running.comeBack(running, workerId);
    this.#workers.lendAgain(workerId, running);
  }

  /** Whether it runs part of that attempt, and is not the one who speaks for it. */
  isFollower(lease: LeaseRef, workerId: string): boolean {
    return this.#runningOf(lease)?.others.includes(workerId) ?? false;
  }

  hasSeveralDevices(workerId: string): boolean {
    return this.#workers.devicesOf(workerId) > 1;
  }

  /** Places among a worker's devices that an attempt has there. */
  placesOf(lease: LeaseRef, workerId: string): readonly number[] {
    const running = this.#runningOf(lease);
    return running === undefined ? [] : this.#workers.placesOf(workerId, running);
  }

  isCurrent(lease: LeaseRef): boolean {
    return this.#runningOf(lease) !== undefined;
  }

  isLive(sweep: string): boolean {
    return this.#sweeps.get(sweep) !== undefined;
  }

  summary(sweep: string): SweepSummary | null {
    const live = this.#sweeps.get(sweep);
    return live === undefined ? null : { sweep, total: live.rows.length, counts: { ...live.counts } };
  }

  /** What runs or is held ready of a live sweep, in the order of lending. */
  runningOf(sweep: string): readonly KnownTrial[] {
    const number = this.#sweeps.get(sweep)?.number;
    const turnOf = (row: number) => this.#trials.memberships(row).find(({ sweep }) => sweep === number)?.turn;
    return [...this.#running.all()]
      .map(({ row }) => ({ row, turn: turnOf(row) ?? -1 }))
      .filter(({ turn }) => turn >= 0)
      .sort((a, b) => a.turn - b.turn)
      .map(({ row }) => this.#trials.get(row));
  }

  /** Names of the live sweeps that want a trial. */
  sweepsOf(trialId: string): readonly string[] {
    const row = this.#trials.find(trialId);
    return row < 0 ? [] : this.#wanting(row).map(({ name }) => name);
  }

  /** Leases that a worker holds, in the order in which it begins them. */
  heldBy(workerId: string): readonly LeaseRef[] {
    return this.#workers.lentTo(workerId).map(({ lease }) => lease);
  }

  /** Whether its worker, busy with others, has not begun it so far. */
  isWaiting(lease: LeaseRef): boolean {
    const running = this.#runningOf(lease);
    return running !== undefined && this.#workers.isWaiting(running.workerId, running);
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  running(): readonly LeaseRef[] {
    return [...this.#running.all()].map(({ lease }) => lease);
  }

  // Sweeps and trials.

  /** A sweep becomes live, or live with another set of trials. */
  addSweep(name: string, place: LivePlace, trials: Iterable<TrialStanding>, nowMs: number): void {
    const before = this.#sweeps.get(name);
    if (before !== undefined) this.#leave(before, nowMs);
    const order = new TurnOrder();
    for (const standing of trials) order.add(this.#know(standing, nowMs), standing.seed, bulkOf(standing.need));
    const sweep = this.#sweeps.add(name, place, order.turns(), nowMs);
    for (const [turn, row] of sweep.rows.entries()) this.#join(sweep, turn, row, nowMs);
    if (before?.isOpen === true) sweep.keepAge(before);
    for (const row of before?.rows ?? []) this.#forgetIfUnwanted(row);
  }

  /** What runs of it goes on. */
  removeSweep(name: string, nowMs: number): void {
    const sweep = this.#sweeps.get(name);
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
    this.#gathered.set(trialId, others);
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
          this.#trials.setSpent(row, NOTHING_SPENT);
          this.#deaths.forget(row);
        });
        return;
      case 'begun': {
        const { lease, workerId } = event;
        if (this.#reservedFor === lease.trialId) this.#reservedFor = null;
        this.#change(lease.trialId, 'running', nowMs, (row) => {
          this.#trials.setAttempt(row, lease.attempt, lease.token, workerId);
        });
        return;
      }
      case 'requeued': {
        const { lease, failure, delayMs } = event;
        if (failure !== null) this.#noteFailure(lease.trialId, failure);
        this.#change(lease.trialId, 'queued', nowMs, (row) => {
          this.#trials.setSpent(row, spentAfter(this.#trials.get(row).spent, failure));
          if (delayMs > 0) this.#delays.add(row, nowMs + delayMs);
        });
        return;
      }
      case 'succeeded':
        this.#deaths.startAnew(this.#workers.hostOf(this.holderOf(event.lease.trialId) ?? '') ?? '');
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
    const running = this.#runningOf(lease);
    if (running === undefined || (workerId !== null && !isHeldBy(running, workerId))) return false;
    this.#running.renew(running, nowMs + this.#leaseMs, workerId);
    return true;
  }

  /** An attempt is about to end. False: that is no news, or its lease is not its holder's any more. */
  noteEndsSoon(lease: LeaseRef): boolean {
    const running = this.#runningOf(lease);
    if (running === undefined || running.endsSoon) return false;
    this.#workers.noteEndsSoon(running.workerId, running);
    return true;
  }

  // Workers.

  addWorker(workerId: string, slots: number, prefetch = 0, host = workerId, place: Partial<WorkerPlace> = {}): void {
    const isKnown = this.#workers.has(workerId);
    this.#workers.add(workerId, { host, slots, prefetch, memory: [], address: '', ...place });
    if (isKnown) return;
    for (const running of this.#running.all()) {
      if (running.workerId === workerId || running.others.includes(workerId))
        this.#workers.lendAgain(workerId, running);
    }
  }

  lendNoGangBefore(untilMs: number): void {
    this.#gangsFromMs = untilMs;
  }

  /** Carries out the decision. */
  reserve(trialId: string | null): void {
    this.#reservedFor = trialId;
  }

  setAvailable(workerId: string, available: boolean): void {
    this.#workers.setAvailable(workerId, available);
  }

  removeWorker(workerId: string): void {
    this.#workers.remove(workerId);
  }

  /** Carries out the decision; gives the workers that it meets. */
  drainHost(host: string, reason: string): readonly string[] {
    this.#deaths.startAnew(host);
    const workers = this.#workers.trustedOn(host);
    for (const workerId of workers) this.#workers.drain(workerId, reason);
    return workers;
  }

  /** Why a worker is lent nothing while others are there; empty: it is not so. */
  drainedReason(workerId: string): string {
    return this.#workers.drainedReason(workerId);
  }

  // Inside.

  #know(standing: TrialStanding, nowMs: number): number {
    const known = this.#trials.find(standing.trialId);
    if (known >= 0) {
      this.#trials.setShape(known, standing);
      return known;
    }
    const row = this.#trials.add(standing);
    if (standing.state === 'running') this.#begin(row, nowMs);
    if (standing.state === 'queued') this.#holdBack(row, nowMs);
    return row;
  }

  #join(sweep: LiveSweep, turn: number, row: number, nowMs: number): void {
    this.#trials.join(row, { sweep: sweep.number, turn });
    const state = this.#trials.stateOf(row);
    sweep.counts[state] += 1;
    if (state === 'queued' && !this.#delays.has(row)) sweep.open(turn, nowMs);
    const running = this.#running.get(row);
    if (running?.payer === null) this.#charge(running, nowMs);
  }

  /** Its trials stay known, and others of the sweeps that want them have to pay for what runs. */
  #leave(sweep: LiveSweep, nowMs: number): void {
    this.#sweeps.delete(sweep);
    const unpaid: Running[] = [];
    for (const row of sweep.rows) {
      this.#trials.leave(row, sweep.number);
      const running = this.#running.get(row);
      if (running?.payer !== sweep) continue;
      sweep.takeBack(sizeOf(running.need), nowMs);
      running.payer = null;
      unpaid.push(running);
    }
    for (const running of unpaid) this.#charge(running, nowMs);
  }

  #change(trialId: string, state: TrialState, nowMs: number, note: (row: number) => void = () => {}): void {
    const row = this.#trials.find(trialId);
    if (row < 0) return;
    const before = this.#trials.stateOf(row);
    if (before === 'running') this.#end(row, nowMs);
    if (before === 'queued') this.#close(row);
    note(row);
    if (state === 'queued') this.#holdBack(row, nowMs);
    this.#trials.setState(row, state);
    for (const { counts } of this.#wanting(row)) {
      counts[before] -= 1;
      counts[state] += 1;
    }
    if (state === 'running') this.#begin(row, nowMs);
    if (state === 'queued' && !this.#delays.has(row)) this.#open(row, nowMs);
    this.#forgetIfUnwanted(row);
  }

  #begin(row: number, nowMs: number): void {
    const { trialId, attempts, token, workerId, need } = this.#trials.get(row);
    const others = this.#gathered.get(trialId) ?? [];
    this.#gathered.delete(trialId);
    const first = workerId ?? '';
    const missing = need.machines - 1 - others.length;
    const running: Running = {
      row,
      lease: { trialId, attempt: attempts, token },
      token,
      kind: this.#trials.kindOf(row),
      need,
      workerId: first,
      others: [...others],
      missing,
      untilMs: nowMs + this.#leaseMs,
      parts: partsOf([first, ...others], missing, nowMs + this.#leaseMs),
      endsSoon: false,
      payer: null,
    };
    this.#running.add(running);
    for (const each of [first, ...others]) this.#workers.lend(each, running);
    this.#charge(running, nowMs);
  }

  #end(row: number, nowMs: number): void {
    const running = this.#running.get(row);
    if (running === undefined) return;
    this.#running.delete(running);
    if (running.parts !== null) this.#heldBack.set(running.lease.trialId, nowMs + this.#leaseMs);
    for (const each of [running.workerId, ...running.others]) this.#workers.takeBack(each, running);
    running.payer?.takeBack(sizeOf(running.need), nowMs);
  }

  /** Its slot counts for the first, in the order of lending, of the live sweeps that want it. */
  #charge(running: Running, nowMs: number): void {
    const [payer] = [...this.#wanting(running.row)].sort((a, b) => compareClaims(a, b, nowMs));
    running.payer = payer ?? null;
    payer?.lend(sizeOf(running.need));
  }

  /** The trial that workers are reserved for, and the first of the live sweeps that want it. */
  #holder(nowMs: number): { readonly row: number; readonly sweep: LiveSweep } | null {
    const row = this.#reservedFor === null ? -1 : this.#trials.find(this.#reservedFor);
    if (row < 0 || this.#trials.stateOf(row) !== 'queued' || this.#delays.has(row)) return null;
    const [sweep] = [...this.#wanting(row)].sort((a, b) => compareClaims(a, b, nowMs));
    return sweep === undefined ? null : { row, sweep };
  }

  /** What waits and could begin in one of these slots, the earliest first. */
  #recallsFor(idle: readonly string[]): readonly WaitingLease[] {
    const room = new LendingRoom(this.#workers);
    const slots = [...idle];
    return this.#workers.waiting().flatMap(({ lease, workerId, need }) => {
      const place = slots.findIndex((each) => room.fits(each, need));
      if (place < 0) return [];
      for (const each of slots.splice(place, 1)) room.take(each, need);
      return [{ lease, workerId }];
    });
  }

  #holdBack(row: number, nowMs: number): void {
    const untilMs = this.#heldBack.get(this.#trials.idOf(row)) ?? nowMs;
    if (untilMs <= nowMs || (this.#delays.untilOf(row) ?? nowMs) >= untilMs) return;
    this.#delays.delete(row);
    this.#delays.add(row, untilMs);
  }

  #open(row: number, nowMs: number): void {
    for (const { sweep, turn } of this.#trials.memberships(row)) this.#sweeps.numbered(sweep)?.open(turn, nowMs);
  }

  #close(row: number): void {
    this.#delays.delete(row);
    for (const { sweep, turn } of this.#trials.memberships(row)) this.#sweeps.numbered(sweep)?.close(turn);
  }

  #comeDue(nowMs: number): void {
    for (const row of this.#delays.takeDue(nowMs)) this.#open(row, nowMs);
    for (const [trialId, untilMs] of this.#heldBack) if (untilMs <= nowMs) this.#heldBack.delete(trialId);
  }

  /** Of an attempt that runs. Of a gang's, nobody knows whose fault it was. */
  #noteFailure(trialId: string, failure: Failure): void {
    const running = this.#running.get(this.#trials.find(trialId));
    if (running === undefined || running.parts !== null) return;
    const { row, workerId } = running;
    if (hasDied(failure)) this.#deaths.add(row, workerId);
    if (speaksAgainstHost(failure)) this.#deaths.blame(this.#workers.hostOf(workerId), trialId);
  }

  #forgetIfUnwanted(row: number): void {
    if (this.#trials.isWanted(row) || this.#running.get(row) !== undefined) return;
    this.#close(row);
    this.#deaths.forget(row);
    this.#trials.remove(row);
  }

  #wanting(row: number): readonly LiveSweep[] {
    return this.#trials.memberships(row).flatMap(({ sweep }) => this.#sweeps.numbered(sweep) ?? []);
  }

  #runningOf({ trialId, token }: LeaseRef): Running | undefined {
    const running = this.#running.get(this.#trials.find(trialId));
    return running?.token === token ? running : undefined;
  }
}
