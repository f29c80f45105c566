/** One decision about everything that may be lent: slots in turn, what is too large for one, and what is reserved. */
import { risenPriority } from './lending-order.js';
import { LendingRoom } from './lending-room.js';
import { LendingRound } from './lending-round.js';
import type { LiveSweep } from './live-sweep.js';
import type { Running } from './running-attempts.js';
import { sizeOf, type TrialNeed } from './trial-need.js';
import type { WorkerPool } from './worker-pool.js';

export interface LendingParts {
  readonly sweeps: Iterable<LiveSweep>;
  readonly workers: WorkerPool<Running>;
  readonly kindOf: (row: number) => number;
  /** As it stands now. */
  readonly needOf: (row: number) => TrialNeed;
  readonly hasDiedOn: (row: number, workerId: string) => boolean;
  /** The trial that workers are reserved for, which may begin as soon as they are free; `null`: none. */
  readonly holder: { readonly row: number; readonly sweep: LiveSweep } | null;
  /** Else they only wait, with what is reserved for them. */
  readonly gangsMayBegin: boolean;
  readonly nowMs: number;
}

export interface Grant {
  readonly row: number;
  readonly workers: readonly string[];
}

export interface Lending {
  readonly grants: readonly Grant[];
  /** Slots that nothing was lent to, though something small could begin there. */
  readonly idle: readonly string[];
  /** -1: none. Another than before: what stands behind it in line is not lent before that is carried out. */
  readonly reserveFor: number;
  /** When time alone allows more; `null`: it does not. */
  readonly settledMs: number | null;
}

const NOTHING: Lending = { grants: [], idle: [], reserveFor: -1, settledMs: null };

export function planLending(parts: LendingParts): Lending {
  const [free, ahead] = [parts.workers.freeSlots(), parts.workers.aheadSlots()];
  if (free.length + ahead.length === 0 && parts.holder === null) return NOTHING;
  return new LendingPlanner(parts).plan(free, ahead);
}

class LendingPlanner {
  readonly #parts: LendingParts;
  readonly #room: LendingRoom;
  readonly #round: LendingRound;
  readonly #grants: Grant[] = [];
  readonly #idle: string[] = [];
  /** What each worker was lent last, in this round. */
  readonly #kinds = new Map<string, number>();
  /** Devices of what was lent in this round with fewer machines than it needs. */
  readonly #sizes = new Map<number, number>();
  #reserveFor = -1;
  #reservedAt = Number.NEGATIVE_INFINITY;
  /** What was lent before that was found. */
  #before = 0;
  #reserved: ReadonlySet<string> = new Set();

  constructor(parts: LendingParts) {
    const { sweeps, workers, kindOf, needOf, nowMs } = parts;
    this.#parts = parts;
    this.#room = new LendingRoom(workers, nowMs);
    const lentSizeOf = (row: number) => this.#sizes.get(row) ?? sizeOf(needOf(row));
    this.#round = new LendingRound(sweeps, { kindOf, needOf, sizeOf: lentSizeOf }, nowMs);
  }

  plan(free: readonly string[], ahead: readonly string[]): Lending {
    this.#serveHolder();
    const [held, others] = [[] as string[], [] as string[]];
    for (const workerId of free) (this.#reserved.has(workerId) ? held : others).push(workerId);
    for (const workerId of others) this.#lendSlot(workerId, Number.NEGATIVE_INFINITY);
    for (const workerId of ahead) if (!this.#reserved.has(workerId)) this.#lendAhead(workerId);
    for (const workerId of held) this.#lendSlot(workerId, this.#reservedAt);
    const [grants, reserveFor] = [this.#grants, this.#reserveFor];
    const { settledMs } = this.#room;
    const isServed = reserveFor < 0 || reserveFor === this.#parts.holder?.row;
    if (isServed) return { grants, idle: this.#idle, reserveFor, settledMs };
    return { grants: grants.slice(0, this.#before), idle: [], reserveFor, settledMs };
  }

  /** What was reserved goes to whom it is for, once it is all there. */
  #serveHolder(): void {
    const { holder, needOf, nowMs } = this.#parts;
    if (holder === null) return;
    const { row, sweep } = holder;
    const free = this.#workersFor(needOf(row), sweep, () => false);
    if (free !== null) {
      this.#grant(row, free);
      this.#round.takeAhead(row, sweep);
      // It has begun when this is carried out: until then nobody takes its place.
      this.#reserveFor = row;
      this.#reservedAt = Number.POSITIVE_INFINITY;
      return;
    }
    const soonest = this.#room.soonestFor(needOf(row), sweep.pools);
    if (soonest === null) return;
    this.#reserveFor = row;
    this.#reservedAt = risenPriority(sweep, nowMs);
    this.#reserved = new Set(soonest);
  }

  #lendSlot(workerId: string, above: number): void {
    const isFree = () => this.#room.hasSlot(workerId);
    if (!isFree()) return; // it went to a trial that could not have another
    const row = this.#nextFor(workerId, above, isFree, (need) => this.#room.fits(workerId, need));
    if (row >= 0) this.#grant(row, [workerId]);
    else if (isFree() && above === Number.NEGATIVE_INFINITY) this.#idle.push(workerId);
  }

  #lendAhead(workerId: string): void {
    const fits = (need: TrialNeed) => need.machines === 1 && this.#parts.workers.fitsAfterAny(workerId, need);
    const row = this.#nextFor(workerId, Number.NEGATIVE_INFINITY, () => true, fits);
    if (row < 0) return;
    this.#grants.push({ row, workers: [workerId] });
    this.#kinds.set(workerId, this.#parts.kindOf(row));
  }

  #nextFor(workerId: string, above: number, isFree: () => boolean, fits: (need: TrialNeed) => boolean): number {
    const { workers, needOf, hasDiedOn } = this.#parts;
    // Nearly all trials need the same.
    let [asked, answer]: [TrialNeed | null, boolean] = [null, false];
    return this.#round.next({
      kind: () => this.#kinds.get(workerId) ?? workers.kindOf(workerId),
      above,
      pool: workers.poolOf(workerId) ?? '',
      isFree,
      isFatalTo: (row) => hasDiedOn(row, workerId),
      fits: (row) => {
        const need = needOf(row);
        if (need !== asked) [asked, answer] = [need, need.machines === 1 && fits(need)];
        return answer;
      },
      lendElsewhere: (row, sweep, priority) => {
        asked = null;
        return this.#lendElsewhere(row, sweep, priority);
      },
    });
  }

  #lendElsewhere(row: number, sweep: LiveSweep, priority: number): boolean {
    const need = this.#parts.needOf(row);
    const isKept = (workerId: string) => this.#reserved.has(workerId) && priority <= this.#reservedAt;
    const free = this.#workersFor(need, sweep, isKept);
    if (free !== null) {
      this.#grant(row, free);
      return true;
    }
    if (priority > this.#reservedAt && this.#room.soonestFor(need, sweep.pools) !== null) {
      this.#reserveFor = row;
      this.#reservedAt = priority;
      this.#before = this.#grants.length;
    }
    return false;
  }

  #workersFor(need: TrialNeed, { pools }: LiveSweep, isKept: (workerId: string) => boolean): readonly string[] | null {
    return need.machines > 1 && !this.#parts.gangsMayBegin ? null : this.#room.workersFor(need, pools, isKept);
  }

  #grant(row: number, workers: readonly string[]): void {
    const need = this.#parts.needOf(row);
    for (const workerId of workers) {
      this.#room.take(workerId, need);
      this.#kinds.set(workerId, this.#parts.kindOf(row));
    }
    if (workers.length < need.machines) this.#sizes.set(row, sizeOf({ ...need, machines: workers.length }));
    this.#grants.push({ row, workers });
  }
}
