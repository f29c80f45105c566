/**
 * The state that decisions are made from. Changed in place, in O(log n) per event, since a sweep may
 * have 100,000 trials; `decide` only reads it. It knows the trials of live sweeps, which are those
 * submitted in this control plane's life, and whatever runs: a trial that waits and that no live
 * sweep wants is not here, hence never run.
 */
import type { LeaseRef, TrialState } from './domain.js';
import type { JournalEvent } from './events.js';
import { OrderedQueue } from './ordered-queue.js';
import { NOTHING_SPENT, type Spent, spentAfter } from './retry.js';
import type { LostLease, SchedulerView, WaitingLease } from './schedule.js';
import type { SweepOptions } from './sweep-options.js';
import type { SweepSummary } from './watch-event.js';
import { WorkerPool } from './worker-pool.js';

/** A trial as scheduling sees it; the journal has the rest. */
export interface TrialStanding {
  readonly trialId: string;
  readonly state: TrialState;
  /** Attempts begun. */
  readonly attempts: number;
  /** Of the newest attempt; 0 before the first. */
  readonly token: bigint;
  /** The newest attempt's; `null` before the first. */
  readonly workerId: string | null;
  readonly spent: Spent;
  readonly seed: number;
  /** Equal for trials that read the same model and dataset: a worker that has run one has both at hand. */
  readonly kind: string;
}

/** What decides when a sweep's trials are lent. */
export interface LivePlace {
  /** Earlier submissions go first. */
  readonly order: number;
  /** Who submitted it. */
  readonly owner: string;
  readonly options: SweepOptions;
}

interface LiveSweep {
  readonly name: string;
  /** Earlier submissions go first. */
  readonly order: number;
  readonly entries: readonly Entry[];
  readonly counts: Record<TrialState, number>;
}

interface Entry {
  readonly trialId: string;
  state: TrialState;
  attempts: number;
  token: bigint;
  workerId: string | null;
  spent: Spent;
  readonly seed: number;
  readonly kind: string;
  /** State `queued`: not before. State `running`: the lease's end. Monotonic. */
  atMs: number;
  /** State `running` only. */
  endsSoon: boolean;
  /** The live sweeps that want it, with its position in each; the first one's order counts. */
  wanted: { readonly sweep: LiveSweep; readonly position: number }[];
}

function isAhead(a: Entry, b: Entry): boolean {
  const [left, right] = [a.wanted[0], b.wanted[0]];
  if (left === undefined || right === undefined) return left !== undefined;
  if (left.sweep.order !== right.sweep.order) return left.sweep.order < right.sweep.order;
  return left.position < right.position;
}

const isEarlier = (a: Entry, b: Entry): boolean => a.atMs < b.atMs;

export class Snapshot implements SchedulerView {
  readonly #leaseMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #sweeps = new Map<string, LiveSweep>();
  readonly #workers = new WorkerPool<Entry>();
  readonly #ready = new OrderedQueue<Entry>(isAhead);
  readonly #delayed = new OrderedQueue<Entry>(isEarlier);
  readonly #leases = new OrderedQueue<Entry>(isEarlier);

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  // Looking.

  expired(nowMs: number): readonly LostLease[] {
    return this.#leases
      .first(this.#leases.size, ({ atMs }) => atMs <= nowMs)
      .map((entry) => ({
        lease: leaseOf(entry),
        workerId: entry.workerId ?? '',
        spent: entry.spent,
        isWaiting: this.#workers.isWaiting(entry.workerId ?? '', entry),
      }));
  }

  ready(nowMs: number, limit: number): readonly string[] {
    const due = this.#delayed.first(this.#delayed.size, ({ atMs }) => atMs <= nowMs);
    const candidates = [...this.#ready.first(limit), ...due];
    if (due.length > 0) candidates.sort((a, b) => (isAhead(a, b) ? -1 : 1));
    return candidates.slice(0, limit).map(({ trialId }) => trialId);
  }

  freeSlots(): readonly string[] {
    return this.#workers.freeSlots();
  }

  aheadSlots(): readonly string[] {
    return this.#workers.aheadSlots();
  }

  waiting(): readonly WaitingLease[] {
    return this.#workers.waiting().map((entry) => ({ lease: leaseOf(entry), workerId: entry.workerId ?? '' }));
  }

  /**
   * When time alone will call for a decision; `null`: never. What has come due and finds no slot waits for a slot, not
   * for time: a timer for it would ring for ever.
   */
  nextWakeMs(nowMs = Number.NEGATIVE_INFINITY): number | null {
    const delayed = this.#delayed.first(this.#delayed.size).find(({ atMs }) => atMs > nowMs);
    const times = [this.#leases.peek()?.atMs, delayed?.atMs].filter((each) => each !== undefined);
    return times.length === 0 ? null : Math.min(...times);
  }

  standing(trialId: string): TrialStanding | null {
    return this.#entries.get(trialId) ?? null;
  }

  isCurrent(lease: LeaseRef): boolean {
    const entry = this.#entries.get(lease.trialId);
    return entry?.state === 'running' && entry.token === lease.token;
  }

  isLive(sweep: string): boolean {
    return this.#sweeps.has(sweep);
  }

  summary(sweep: string): SweepSummary | null {
    const live = this.#sweeps.get(sweep);
    return live === undefined ? null : { sweep, total: live.entries.length, counts: { ...live.counts } };
  }

  *trialsOf(sweep: string): Generator<TrialStanding> {
    yield* this.#sweeps.get(sweep)?.entries ?? [];
  }

  /** Names of the live sweeps that want a trial. */
  sweepsOf(trialId: string): readonly string[] {
    return this.#entries.get(trialId)?.wanted.map(({ sweep }) => sweep.name) ?? [];
  }

  /** Leases that a worker holds, in the order in which it begins them. */
  heldBy(workerId: string): readonly LeaseRef[] {
    return this.#workers.lentTo(workerId).map(leaseOf);
  }

  /** Whether its worker, busy with others, has not begun it so far. */
  isWaiting(lease: LeaseRef): boolean {
    const entry = this.#entries.get(lease.trialId);
    return entry !== undefined && this.isCurrent(lease) && this.#workers.isWaiting(entry.workerId ?? '', entry);
  }

  running(): readonly LeaseRef[] {
    return this.#leases.first(this.#leases.size).map(leaseOf);
  }

  // Sweeps and trials.

  /** A sweep becomes live, or live with another set of trials. */
  addSweep(name: string, { order }: LivePlace, trials: Iterable<TrialStanding>, nowMs: number): void {
    this.removeSweep(name);
    const entries: Entry[] = [];
    const sweep: LiveSweep = {
      name,
      order,
      entries,
      counts: { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 },
    };
    for (const standing of trials) {
      const entry = this.#entries.get(standing.trialId) ?? this.#know(standing, nowMs);
      this.#leaveQueues(entry);
      entry.wanted.push({ sweep, position: entries.length });
      entry.wanted.sort((a, b) => a.sweep.order - b.sweep.order);
      entries.push(entry);
      sweep.counts[entry.state] += 1;
      this.#enterQueue(entry, nowMs);
    }
    this.#sweeps.set(name, sweep);
  }

  removeSweep(name: string): void {
    const sweep = this.#sweeps.get(name);
    if (sweep === undefined) return;
    this.#sweeps.delete(name);
    for (const entry of sweep.entries) {
      const delayed = this.#delayed.has(entry);
      this.#leaveQueues(entry);
      entry.wanted = entry.wanted.filter((each) => each.sweep !== sweep);
      if (entry.wanted.length === 0 && entry.state !== 'running') this.#entries.delete(entry.trialId);
      else this.#enterQueue(entry, delayed ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
    }
  }

  /** An attempt that goes on under a worker of a former control plane: it gets one whole lease. */
  adopt(standing: TrialStanding, nowMs: number): void {
    if (!this.#entries.has(standing.trialId)) this.#know(standing, nowMs);
  }

  apply(event: JournalEvent, nowMs: number): void {
    switch (event.kind) {
      case 'submitted':
      case 'sweep':
      case 'measured':
      case 'checkpointed':
        return;
      case 'queued':
        this.#change(event.trialId, nowMs, (entry) => {
          entry.state = 'queued';
          entry.spent = NOTHING_SPENT;
          entry.atMs = nowMs;
        });
        return;
      case 'begun':
        this.#change(event.lease.trialId, nowMs, (entry) => {
          entry.state = 'running';
          entry.attempts = event.lease.attempt;
          entry.token = event.lease.token;
          entry.workerId = event.workerId;
          entry.atMs = nowMs + this.#leaseMs;
          entry.endsSoon = false;
        });
        return;
      case 'requeued':
        this.#change(event.lease.trialId, nowMs, (entry) => {
          entry.state = 'queued';
          entry.spent = spentAfter(entry.spent, event.failure);
          entry.atMs = nowMs + event.delayMs;
        });
        return;
      case 'succeeded':
      case 'failed':
        this.#change(event.lease.trialId, nowMs, (entry) => {
          entry.state = event.kind;
        });
        return;
      case 'cancelled':
        this.#change(event.trialId, nowMs, (entry) => {
          entry.state = 'cancelled';
        });
    }
  }

  /** False: the lease is not its holder's any more. */
  renew(lease: LeaseRef, nowMs: number): boolean {
    if (!this.isCurrent(lease)) return false;
    const entry = this.#entries.get(lease.trialId) as Entry;
    this.#leases.remove(entry);
    entry.atMs = nowMs + this.#leaseMs;
    this.#leases.add(entry);
    return true;
  }

  /** An attempt is about to end. False: that is no news, or its lease is not its holder's any more. */
  noteEndsSoon(lease: LeaseRef): boolean {
    const entry = this.#entries.get(lease.trialId);
    if (entry === undefined || entry.endsSoon || !this.isCurrent(lease)) return false;
    entry.endsSoon = true;
    return true;
  }

  // Workers.

  addWorker(workerId: string, slots: number, prefetch = 0): void {
    this.#workers.add(workerId, slots, prefetch);
    for (const entry of this.#leases.first(this.#leases.size)) {
      if (entry.workerId === workerId) this.#workers.lend(workerId, entry);
    }
  }

  setAvailable(workerId: string, available: boolean): void {
    this.#workers.setAvailable(workerId, available);
  }

  removeWorker(workerId: string): void {
    this.#workers.remove(workerId);
  }

  // Inside.

  #know(standing: TrialStanding, nowMs: number): Entry {
    const atMs = standing.state === 'running' ? nowMs + this.#leaseMs : nowMs;
    const entry: Entry = { ...standing, atMs, endsSoon: false, wanted: [] };
    this.#entries.set(standing.trialId, entry);
    this.#enterQueue(entry, nowMs);
    return entry;
  }

  #change(trialId: string, nowMs: number, change: (entry: Entry) => void): void {
    const entry = this.#entries.get(trialId);
    if (entry === undefined) return;
    for (const { sweep } of entry.wanted) sweep.counts[entry.state] -= 1;
    this.#leaveQueues(entry);
    if (entry.workerId !== null) this.#workers.takeBack(entry.workerId, entry);
    change(entry);
    for (const { sweep } of entry.wanted) sweep.counts[entry.state] += 1;
    if (entry.state === 'running' && entry.workerId !== null) this.#workers.lend(entry.workerId, entry);
    this.#enterQueue(entry, nowMs);
    if (entry.wanted.length === 0 && entry.state !== 'running') this.#entries.delete(trialId);
  }

  #enterQueue(entry: Entry, nowMs: number): void {
    if (entry.state === 'running') this.#leases.add(entry);
    else if (entry.state === 'queued' && entry.wanted.length > 0) {
      (entry.atMs > nowMs ? this.#delayed : this.#ready).add(entry);
    }
  }

  #leaveQueues(entry: Entry): void {
    this.#ready.remove(entry);
    this.#delayed.remove(entry);
    this.#leases.remove(entry);
  }
}

function leaseOf(entry: Entry): LeaseRef {
  return { trialId: entry.trialId, attempt: entry.attempts, token: entry.token };
}
