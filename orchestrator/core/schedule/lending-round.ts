/** Which trials a number of free slots get, one after the other; what is chosen counts for the next choice. */
import { type Claim, compareClaims, risenPriority } from './lending-order.js';
import type { LiveSweep, Owner } from './live-sweep.js';
import type { TrialNeed } from './trial-need.js';

/** How far ahead of its turn a trial may be lent to a worker that suits it better. */
const WINDOW = 64;

/** Where a slot is. */
export interface Taker {
  /** Of what it ran last, whose model and dataset it has at hand; -1: nothing so far. */
  readonly kind: () => number;
  /** Whether an attempt at that trial has died there. */
  readonly isFatalTo: (row: number) => boolean;
  readonly fits: (row: number) => boolean;
  /** Only what sweeps of higher priority want is lent to it. */
  readonly above: number;
  /** Only sweeps that go to workers of this pool. */
  readonly pool: string;
  /** What was lent elsewhere has left it free. */
  readonly isFree: () => boolean;
  /** Lends a trial that does not fit here wherever it fits; false: nowhere. */
  readonly lendElsewhere: (row: number, sweep: LiveSweep, priority: number) => boolean;
}

/** Of trials. */
export interface RowFacts {
  readonly kindOf: (row: number) => number;
  readonly needOf: (row: number) => TrialNeed;
  /** Devices; of one that was chosen, those that it is lent. */
  readonly sizeOf: (row: number) => number;
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
  /** Rows of those that fit nowhere where this sweep's go, and will not in this round. */
  readonly blocked: Set<number>;
}

/** A trial for the slot, or one that went elsewhere. */
type Found = { readonly row: number; readonly isHere: boolean };

export class LendingRound {
  readonly #facts: RowFacts;
  readonly #nowMs: number;
  readonly #claims = new Map<LiveSweep, SweepInLine>();
  readonly #owners: Line<OwnerInLine>;
  readonly #taken = new Set<number>();

  constructor(sweeps: Iterable<LiveSweep>, facts: RowFacts, nowMs: number) {
    this.#facts = facts;
    this.#nowMs = nowMs;
    const isBefore = (a: Claim, b: Claim) => compareClaims(a, b, nowMs) < 0;
    const owners = new Map<Owner, OwnerInLine>();
    for (const sweep of sweeps) {
      if (!sweep.isOpen) continue;
      const owner = owners.get(sweep.owner) ?? { lent: sweep.owner.lent, sweeps: new Line<SweepInLine>(isBefore) };
      owners.set(sweep.owner, owner);
      const { priority, weight, order, lent, waitingSinceMs } = sweep;
      const claim = {
        sweep,
        owner,
        priority,
        weight,
        order,
        lent,
        waitingSinceMs,
        from: 0,
        blocked: new Set<number>(),
      };
      this.#claims.set(sweep, claim);
      owner.sweeps.push(claim);
    }
    this.#owners = new Line((a, b) => isBefore(a.sweeps.first as Claim, b.sweeps.first as Claim));
    for (const owner of owners.values()) this.#owners.push(owner);
  }

  /** The row of the trial for the next slot; -1: there is none that may have it. */
  next(taker: Taker): number {
    const passed: SweepInLine[] = [];
    const row = this.#nextOf(taker, passed);
    for (const claim of passed) this.#putBack(claim);
    return row;
  }

  /** It is lent before all others, for that sweep. */
  takeAhead(row: number, sweep: LiveSweep): void {
    const claim = this.#claims.get(sweep) as SweepInLine;
    this.#removeOwner(claim.owner);
    this.#taken.add(row);
    claim.lent += this.#facts.sizeOf(row);
    claim.owner.lent += this.#facts.sizeOf(row);
    claim.owner.sweeps.remove(claim);
    claim.owner.sweeps.push(claim);
    this.#owners.push(claim.owner);
  }

  /** `passed`: claims with nothing that fits, which this leaves out of their lines. */
  #nextOf(taker: Taker, passed: SweepInLine[]): number {
    while (taker.isFree()) {
      const claim = this.#owners.first?.sweeps.first;
      if (claim === undefined || risenPriority(claim, this.#nowMs) <= taker.above) return -1;
      const isElsewhere = !claim.sweep.pools.has(taker.pool);
      const first = this.#firstOf(claim);
      const found = first < 0 || isElsewhere ? null : this.#bestOf(claim, first, taker);
      if (found === null) {
        if (first >= 0) passed.push(claim);
        claim.owner.sweeps.removeFirst();
      } else {
        this.#taken.add(found.row);
        const size = this.#facts.sizeOf(found.row);
        claim.lent += size;
        claim.owner.lent += size;
        claim.owner.sweeps.settleFirst();
      }
      if (claim.owner.sweeps.first === undefined) this.#owners.removeFirst();
      else this.#owners.settleFirst();
      if (found?.isHere === true) return found.row;
    }
    return -1;
  }

  /** For the next slot. */
  #putBack(claim: SweepInLine): void {
    this.#removeOwner(claim.owner);
    claim.owner.sweeps.push(claim);
    this.#owners.push(claim.owner);
  }

  #removeOwner(owner: OwnerInLine): void {
    if (owner.sweeps.first !== undefined) this.#owners.remove(owner);
  }

  /** Its first turn that is open and not taken; -1: none. */
  #firstOf(claim: SweepInLine): number {
    const { sweep } = claim;
    let first = sweep.nextOpen(claim.from);
    while (first >= 0 && this.#taken.has(sweep.rows[first] as number)) first = sweep.nextOpen(first + 1);
    if (first >= 0) claim.from = first;
    return first;
  }

  /** Of the largest that fit. The first of each size may go elsewhere, so that the smaller do not overtake it there. */
  #bestOf(claim: SweepInLine, first: number, taker: Taker): Found | null {
    const { sweep } = claim;
    for (let turn = first; turn >= 0; turn = sweep.nextOpen(sweep.sizeEnd(turn))) {
      const head = this.#headOf(sweep, turn);
      if (head < 0) continue;
      for (const row of this.#headsOf(sweep, head)) {
        if (claim.blocked.has(row) || taker.fits(row)) continue;
        if (taker.lendElsewhere(row, sweep, risenPriority(claim, this.#nowMs))) return { row, isHere: false };
        claim.blocked.add(row);
      }
      const best = this.#bestOfSize(sweep, head, taker);
      if (best >= 0) return { row: best, isHere: true };
    }
    return null;
  }

  /** The first of a size and, where that waits for all its machines, the first of those behind it that do not. */
  #headsOf(sweep: LiveSweep, head: number): readonly number[] {
    const first = sweep.rows[head] as number;
    const { machines, minMachines } = this.#facts.needOf(first);
    if (machines === 1 || minMachines < machines) return [first];
    const end = sweep.sizeEnd(head);
    let turn = sweep.nextOpen(head + 1);
    for (let seen = 1; turn >= 0 && turn < end && seen < WINDOW; seen += 1) {
      const row = sweep.rows[turn] as number;
      const need = this.#facts.needOf(row);
      if (need.minMachines < need.machines && !this.#taken.has(row)) return [first, row];
      turn = sweep.nextOpen(turn + 1);
    }
    return [first];
  }

  /** The first turn, of one size, that is not taken. */
  #headOf(sweep: LiveSweep, from: number): number {
    const end = sweep.sizeEnd(from);
    let turn = from;
    while (turn >= 0 && turn < end && this.#taken.has(sweep.rows[turn] as number)) turn = sweep.nextOpen(turn + 1);
    return turn < end ? turn : -1;
  }

  /** Among what is due together; where nothing of that fits, among what is due next. */
  #bestOfSize(sweep: LiveSweep, first: number, taker: Taker): number {
    const { isFatalTo, fits } = taker;
    const kind = taker.kind();
    const last = sweep.sizeEnd(first);
    let end = sweep.rankEnd(first);
    let [best, fatal] = [-1, -1];
    for (let turn = first, seen = 0; turn >= 0 && turn < last && seen < WINDOW; turn = sweep.nextOpen(turn + 1)) {
      if (turn >= end) {
        if (best >= 0 || fatal >= 0) break;
        end = sweep.rankEnd(turn);
      }
      const row = sweep.rows[turn] as number;
      seen += 1;
      if (this.#taken.has(row) || !fits(row)) continue;
      if (isFatalTo(row)) {
        if (fatal < 0) fatal = row;
      } else if (kind < 0 || this.#facts.kindOf(row) === kind) return row;
      else if (best < 0) best = row;
    }
    return best < 0 ? fatal : best;
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

  /** Wherever it stands. */
  remove(item: T): void {
    const others = this.#items.splice(0).filter((each) => each !== item);
    for (const each of others) this.push(each);
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
