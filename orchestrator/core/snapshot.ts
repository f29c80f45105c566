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
import { compareClaims } from './lending-order.js';
import { LendingRound } from './lending-round.js';
import { type LivePlace, type LiveSweep, TurnOrder } from './live-sweep.js';
import { LiveSweeps } from './live-sweeps.js';
import { hasDied, NOTHING_SPENT, spentAfter } from './retry.js';
import { type Running, RunningAttempts } from './running-attempts.js';
import type { LostLease, SchedulerView, WaitingLease } from './schedule.js';
import type { KnownTrial, TrialStanding } from './trial-standing.js';
import { TrialTable } from './trial-table.js';
import type { SweepSummary } from './watch-event.js';
import { WorkerPool } from './worker-pool.js';

export type { LivePlace } from './live-sweep.js';
export type { TrialStanding } from './trial-standing.js';

export class Snapshot implements SchedulerView {
  readonly #leaseMs: number;
  readonly #trials = new TrialTable();
  readonly #sweeps = new LiveSweeps();
  readonly #workers = new WorkerPool<Running>();
  readonly #running = new RunningAttempts();
  readonly #delays = new Delays();
  readonly #deaths = new Deaths();

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  // Looking.

  expired(nowMs: number): readonly LostLease[] {
    return this.#running.expired(nowMs).map((each) => ({
      lease: each.lease,
      workerId: each.workerId,
      spent: this.#trials.get(each.row).spent,
      isWaiting: this.#workers.isWaiting(each.workerId, each),
    }));
  }

  distrusted(): readonly DistrustedHost[] {
    return this.#deaths.distrusted();
  }

  next(slots: readonly string[], nowMs: number): readonly string[] {
    this.#comeDue(nowMs);
    if (slots.length === 0) return [];
    const round = new LendingRound(this.#sweeps.all(), (row) => this.#trials.kindOf(row), nowMs);
    const kinds = new Map<string, number>();
    const trialIds: string[] = [];
    for (const workerId of slots) {
      const row = round.next({
        kind: kinds.get(workerId) ?? this.#workers.kindOf(workerId),
        isFatalTo: (each) => this.#deaths.of(each).includes(workerId),
      });
      if (row < 0) break;
      kinds.set(workerId, this.#trials.kindOf(row));
      trialIds.push(this.#trials.idOf(row));
    }
    return trialIds;
  }

  freeSlots(): readonly string[] {
    return this.#workers.freeSlots();
  }

  aheadSlots(): readonly string[] {
    return this.#workers.aheadSlots();
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
    const times = [this.#running.nextMs, this.#delays.nextMs].filter((each) => each !== null);
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
    for (const standing of trials) order.add(this.#know(standing, nowMs), standing.seed);
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

  /** False: the lease is not its holder's any more. */
  renew(lease: LeaseRef, nowMs: number): boolean {
    const running = this.#runningOf(lease);
    if (running === undefined) return false;
    this.#running.renew(running, nowMs + this.#leaseMs);
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

  addWorker(workerId: string, slots: number, prefetch = 0, host = workerId): void {
    const isKnown = this.#workers.has(workerId);
    this.#workers.add(workerId, { host, slots, prefetch });
    if (isKnown) return;
    for (const running of this.#running.all()) {
      if (running.workerId === workerId) this.#workers.lend(workerId, running);
    }
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
    if (known >= 0) return known;
    const row = this.#trials.add(standing);
    if (standing.state === 'running') this.#begin(row, nowMs);
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
      sweep.takeBack(nowMs);
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
    const { trialId, attempts, token, workerId } = this.#trials.get(row);
    const running: Running = {
      row,
      lease: { trialId, attempt: attempts, token },
      token,
      kind: this.#trials.kindOf(row),
      workerId: workerId ?? '',
      untilMs: nowMs + this.#leaseMs,
      endsSoon: false,
      payer: null,
    };
    this.#running.add(running);
    this.#workers.lend(running.workerId, running);
    this.#charge(running, nowMs);
  }

  #end(row: number, nowMs: number): void {
    const running = this.#running.get(row);
    if (running === undefined) return;
    this.#running.delete(running);
    this.#workers.takeBack(running.workerId, running);
    running.payer?.takeBack(nowMs);
  }

  /** Its slot counts for the first, in the order of lending, of the live sweeps that want it. */
  #charge(running: Running, nowMs: number): void {
    const [payer] = [...this.#wanting(running.row)].sort((a, b) => compareClaims(a, b, nowMs));
    running.payer = payer ?? null;
    payer?.lend();
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
  }

  /** Of an attempt that runs. */
  #noteFailure(trialId: string, failure: Failure): void {
    const running = this.#running.get(this.#trials.find(trialId));
    if (running === undefined || !hasDied(failure)) return;
    const { row, workerId } = running;
    this.#deaths.add(row, trialId, workerId, this.#workers.hostOf(workerId));
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
