/** A sweep whose trials may be lent: who they are, in which order, and how it stands beside others. */
import type { TrialState } from './domain.js';
import type { Claim } from './lending-order.js';
import type { SweepOptions } from './sweep-options.js';
import { TurnSet } from './turn-set.js';

/** What decides when a sweep's trials are lent. */
export interface LivePlace {
  /** Earlier submissions go first. */
  readonly order: number;
  /** Who submitted it. */
  readonly owner: string;
  readonly options: SweepOptions;
}

export interface Owner {
  /** Slots in all of the owner's sweeps. */
  lent: number;
}

export class LiveSweep implements Claim {
  readonly name: string;
  /** Within the snapshot. */
  readonly number: number;
  readonly order: number;
  readonly owner: Owner;
  readonly priority: number;
  readonly weight: number;
  readonly counts: Record<TrialState, number> = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  /** Rows of the trials, the first turn first. */
  readonly rows: Int32Array;
  /** Where the turns of each rank end: of the first seed of every cell, the second, ... */
  readonly #rankEnds: Int32Array;
  readonly #open: TurnSet;
  #lent = 0;
  #waitingSinceMs: number;

  constructor(name: string, number: number, { order, options }: LivePlace, owner: Owner, turns: Turns, nowMs: number) {
    this.name = name;
    this.number = number;
    this.order = order;
    this.owner = owner;
    this.priority = options.priority;
    this.weight = options.weight;
    this.rows = turns.rows;
    this.#rankEnds = turns.rankEnds;
    this.#open = new TurnSet(turns.rows.length);
    this.#waitingSinceMs = nowMs;
  }

  get lent(): number {
    return this.#lent;
  }

  /** Since when it has had something to lend, and nothing lent. */
  get waitingSinceMs(): number {
    return this.#waitingSinceMs;
  }

  /** It is the same sweep, with another set of trials. */
  keepAge({ waitingSinceMs }: LiveSweep): void {
    this.#waitingSinceMs = Math.min(this.#waitingSinceMs, waitingSinceMs);
  }

  lend(): void {
    this.#lent += 1;
    this.owner.lent += 1;
  }

  takeBack(nowMs: number): void {
    this.#lent -= 1;
    this.owner.lent -= 1;
    if (this.#lent === 0) this.#waitingSinceMs = nowMs;
  }

  // Trials that may start.

  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  open(turn: number, nowMs: number): void {
    if (this.#open.size === 0) this.#waitingSinceMs = nowMs;
    this.#open.add(turn);
  }

  close(turn: number): void {
    this.#open.delete(turn);
  }

  /** The first open turn that is not before `from`; -1: none. */
  nextOpen(from: number): number {
    return this.#open.next(from);
  }

  /** Where the turns end that are due together with this one. */
  rankEnd(turn: number): number {
    let [low, high] = [0, this.#rankEnds.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rankEnds[middle] as number) > turn) high = middle;
      else low = middle + 1;
    }
    return this.#rankEnds[low] ?? 0;
  }
}

export interface Turns {
  readonly rows: Int32Array;
  readonly rankEnds: Int32Array;
}

/**
 * Seed-major, so that every cell of the tables has a first result early: the first seed of every cell, then the second.
 * A seed's rank is its place among the sweep's seeds in order of appearance; within a rank positions decide.
 */
export class TurnOrder {
  #rows = new Int32Array(64);
  #ranks = new Uint32Array(64);
  #length = 0;
  readonly #rankOf = new Map<number, number>();
  readonly #sizes: number[] = [];

  /** In order of positions. */
  add(row: number, seed: number): void {
    if (this.#length === this.#rows.length) this.#widen();
    const rank = this.#rankOf.get(seed) ?? this.#rankOf.size;
    this.#rankOf.set(seed, rank);
    this.#sizes[rank] = (this.#sizes[rank] ?? 0) + 1;
    this.#rows[this.#length] = row;
    this.#ranks[this.#length] = rank;
    this.#length += 1;
  }

  turns(): Turns {
    const rankEnds = new Int32Array(this.#sizes.length);
    let end = 0;
    for (const [rank, size] of this.#sizes.entries()) {
      rankEnds[rank] = end;
      end += size;
    }
    const rows = new Int32Array(this.#length);
    // Each rank's end moves from its first turn to its last as its turns are given out.
    for (let position = 0; position < this.#length; position += 1) {
      const rank = this.#ranks[position] as number;
      const turn = rankEnds[rank] as number;
      rows[turn] = this.#rows[position] as number;
      rankEnds[rank] = turn + 1;
    }
    return { rows, rankEnds };
  }

  #widen(): void {
    const [rows, ranks] = [this.#rows, this.#ranks];
    this.#rows = new Int32Array(2 * rows.length);
    this.#rows.set(rows);
    this.#ranks = new Uint32Array(2 * ranks.length);
    this.#ranks.set(ranks);
  }
}
