/** Which trials a number of free slots get, one after the other; what is chosen counts for the next choice. */
import { type Claim, compareClaims } from './lending-order.js';
import type { LiveSweep, Owner } from './live-sweep.js';

/** How far ahead of its turn a trial may be lent to a worker that suits it better. */
const WINDOW = 64;

/** Where a slot is. */
export interface Taker {
  /** Of what it ran last, whose model and dataset it has at hand; -1: nothing so far. */
  readonly kind: number;
  /** Whether an attempt at that trial has died there. */
  readonly isFatalTo: (row: number) => boolean;
}

interface OwnerInLine {
  lent: number;
  readonly sweeps: Line<SweepInLine>;
}

interface SweepInLine extends Claim {
  readonly sweep: LiveSweep;
  readonly owner: OwnerInLine;
  lent: number;
  /** All before this turn is closed or taken. */
  from: number;
}

export class LendingRound {
  readonly #kindOf: (row: number) => number;
  readonly #owners: Line<OwnerInLine>;
  readonly #taken = new Set<number>();

  constructor(sweeps: Iterable<LiveSweep>, kindOf: (row: number) => number, nowMs: number) {
    this.#kindOf = kindOf;
    const isBefore = (a: Claim, b: Claim) => compareClaims(a, b, nowMs) < 0;
    const owners = new Map<Owner, OwnerInLine>();
    for (const sweep of sweeps) {
      if (!sweep.isOpen) continue;
      const owner = owners.get(sweep.owner) ?? { lent: sweep.owner.lent, sweeps: new Line<SweepInLine>(isBefore) };
      owners.set(sweep.owner, owner);
      const { priority, weight, order, lent, waitingSinceMs } = sweep;
      owner.sweeps.push({ sweep, owner, priority, weight, order, lent, waitingSinceMs, from: 0 });
    }
    this.#owners = new Line((a, b) => isBefore(a.sweeps.first as Claim, b.sweeps.first as Claim));
    for (const owner of owners.values()) this.#owners.push(owner);
  }

  /** The row of the trial for the next slot; -1: nothing is left. */
  next(taker: Taker): number {
    for (;;) {
      const owner = this.#owners.first;
      const claim = owner?.sweeps.first;
      if (owner === undefined || claim === undefined) return -1;
      const row = this.#takeFrom(claim, taker);
      if (row < 0) owner.sweeps.removeFirst();
      else {
        claim.lent += 1;
        owner.lent += 1;
        owner.sweeps.settleFirst();
      }
      if (owner.sweeps.first === undefined) this.#owners.removeFirst();
      else this.#owners.settleFirst();
      if (row >= 0) return row;
    }
  }

  #takeFrom(claim: SweepInLine, taker: Taker): number {
    const { sweep } = claim;
    let first = sweep.nextOpen(claim.from);
    while (first >= 0 && this.#taken.has(sweep.rows[first] as number)) first = sweep.nextOpen(first + 1);
    if (first < 0) return -1;
    claim.from = first;
    const row = this.#bestOf(sweep, first, taker);
    this.#taken.add(row);
    return row;
  }

  /** Among what is due together with that turn. */
  #bestOf(sweep: LiveSweep, first: number, { kind, isFatalTo }: Taker): number {
    const end = sweep.rankEnd(first);
    let best = -1;
    for (let turn = first, seen = 0; turn >= 0 && turn < end && seen < WINDOW; turn = sweep.nextOpen(turn + 1)) {
      const row = sweep.rows[turn] as number;
      seen += 1;
      if (this.#taken.has(row) || isFatalTo(row)) continue;
      if (kind < 0 || this.#kindOf(row) === kind) return row;
      if (best < 0) best = row;
    }
    return best < 0 ? (sweep.rows[first] as number) : best;
  }
}

/** A heap, whose first item may come to stand further behind. */
class Line<T> {
  readonly #items: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    let place = this.#items.length;
    for (let above = (place - 1) >> 1; place > 0; above = (place - 1) >> 1) {
      const parent = this.#items[above] as T;
      if (!this.#isBefore(item, parent)) break;
      this.#items[place] = parent;
      place = above;
    }
    this.#items[place] = item;
  }

  removeFirst(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.settleFirst();
  }

  settleFirst(): void {
    const item = this.#items[0];
    if (item === undefined) return;
    let place = 0;
    for (let child = 1; child < this.#items.length; child = 2 * place + 1) {
      const [left, right] = [this.#items[child] as T, this.#items[child + 1]];
      const isRight = right !== undefined && this.#isBefore(right, left);
      const best = isRight ? right : left;
      if (!this.#isBefore(best, item)) break;
      this.#items[place] = best;
      place = isRight ? child + 1 : child;
    }
    this.#items[place] = item;
  }
}
