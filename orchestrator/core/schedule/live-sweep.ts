/** A sweep whose trials may be lent: who they are, in which order, and how it stands beside others. */
import type { TrialState } from '../domain.js';
import type { SweepOptions } from '../sweep/sweep-options.js';
import type { DemandedNeed } from './demand.js';
import type { Claim } from './lending-order.js';
import { poolKeysOf } from './pool-keys.js';
import { spreadOf } from './trial-need.js';
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
  /** Whose workers take its trials; see pool-keys.ts. */
  readonly pools: ReadonlySet<string>;
  readonly counts: Record<TrialState, number> = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  /** Rows of the trials, the first turn first. */
  readonly rows: Int32Array;
  /** Where the turns of each rank end: of the first seed of every cell of one size, the second, ... */
  readonly #rankEnds: Int32Array;
  /** Where the turns of each size end, the largest first. */
  readonly #sizeEnds: Int32Array;
  /** Devices and machines of each size, as `bulkOf` has them. */
  readonly #bulks: readonly number[];
  /** Of each size: trials that wait or run. */
  readonly #unfinished: Int32Array;
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
    this.pools = poolKeysOf(options.place);
    this.rows = turns.rows;
    this.#rankEnds = turns.rankEnds;
    this.#sizeEnds = turns.sizeEnds;
    this.#bulks = turns.bulks;
    this.#unfinished = new Int32Array(turns.bulks.length);
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

  /** `size`: of a trial, in devices. */
  lend(size: number): void {
    this.#lent += size;
    this.owner.lent += size;
  }

  takeBack(size: number, nowMs: number): void {
    this.#lent -= size;
    this.owner.lent -= size;
    if (this.#lent === 0) this.#waitingSinceMs = nowMs;
  }

  // How its trials stand.

  /** `before`: `null` when it joins. */
  count(turn: number, before: TrialState | null, state: TrialState): void {
    if (before !== null) this.counts[before] -= 1;
    this.counts[state] += 1;
    const change = (isUnfinished(state) ? 1 : 0) - (before !== null && isUnfinished(before) ? 1 : 0);
    if (change === 0) return;
    const size = placeIn(this.#sizeEnds, turn);
    this.#unfinished[size] = (this.#unfinished[size] as number) + change;
  }

  /** Trials that wait or run, by what each needs, the widest first. */
  get needs(): readonly DemandedNeed[] {
    return this.#bulks.flatMap((bulk, place) => {
      const trials = this.#unfinished[place] ?? 0;
      return trials === 0 ? [] : [{ ...spreadOf(bulk), trials }];
    });
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
    return endOf(this.#rankEnds, turn);
  }

  /** Where the turns end of trials that are as large. */
  sizeEnd(turn: number): number {
    return endOf(this.#sizeEnds, turn);
  }
}

function isUnfinished(state: TrialState): boolean {
  return state === 'queued' || state === 'running';
}

function endOf(ends: Int32Array, turn: number): number {
  return ends[placeIn(ends, turn)] ?? 0;
}

function placeIn(ends: Int32Array, turn: number): number {
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] as number) > turn) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface Turns {
  readonly rows: Int32Array;
  readonly rankEnds: Int32Array;
  readonly sizeEnds: Int32Array;
  /** Of each size, in the order of their ends. */
  readonly bulks: readonly number[];
}

/** Trials of one size and one rank. */
interface Group {
  readonly number: number;
  readonly size: number;
  readonly rank: number;
  trials: number;
}

/**
 * The largest trials first, in devices. Then seed-major, so that every cell of the tables has a first result early: the
 * first seed of every cell, then the second. A seed's rank is its place among the sweep's seeds in order of appearance;
 * within a rank positions decide.
 */
export class TurnOrder {
  #rows = new Int32Array(64);
  /** Numbers of groups. */
  #groups = new Uint32Array(64);
  #length = 0;
  readonly #rankOf = new Map<number, number>();
  readonly #bySize = new Map<number, Map<number, Group>>();
  #count = 0;

  /** In order of positions. */
  add(row: number, seed: number, size: number): void {
    if (this.#length === this.#rows.length) this.#widen();
    const rank = this.#rankOf.get(seed) ?? this.#rankOf.size;
    this.#rankOf.set(seed, rank);
    const group = this.#groupOf(size, rank);
    group.trials += 1;
    this.#rows[this.#length] = row;
    this.#groups[this.#length] = group.number;
    this.#length += 1;
  }

  turns(): Turns {
    const groups = [...this.#bySize.values()].flatMap((ranks) => [...ranks.values()]);
    groups.sort((a, b) => b.size - a.size || a.rank - b.rank);
    const next = new Int32Array(groups.length);
    const rankEnds = new Int32Array(groups.length);
    let end = 0;
    for (const [place, { number, trials }] of groups.entries()) {
      next[number] = end;
      end += trials;
      rankEnds[place] = end;
    }
    const rows = new Int32Array(this.#length);
    for (let position = 0; position < this.#length; position += 1) {
      const group = this.#groups[position] as number;
      const turn = next[group] as number;
      rows[turn] = this.#rows[position] as number;
      next[group] = turn + 1;
    }
    const isLastOfSize = (_: unknown, place: number) => groups[place]?.size !== groups[place + 1]?.size;
    const bulks = groups.filter(isLastOfSize).map(({ size }) => size);
    return { rows, rankEnds, sizeEnds: rankEnds.filter(isLastOfSize), bulks };
  }

  #groupOf(size: number, rank: number): Group {
    const ranks = this.#bySize.get(size) ?? new Map<number, Group>();
    this.#bySize.set(size, ranks);
    const known = ranks.get(rank);
    if (known !== undefined) return known;
    const group = { number: this.#count, size, rank, trials: 0 };
    this.#count += 1;
    ranks.set(rank, group);
    return group;
  }

  #widen(): void {
    const [rows, groups] = [this.#rows, this.#groups];
    this.#rows = new Int32Array(2 * rows.length);
    this.#rows.set(rows);
    this.#groups = new Uint32Array(2 * groups.length);
    this.#groups.set(groups);
  }
}
