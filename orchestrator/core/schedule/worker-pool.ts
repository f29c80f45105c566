/** Which workers there are and what each was lent: where a trial could begin at once, and where it could be held ready. */
import { DeviceRoom } from './device-room.js';
import type { TrialNeed } from './trial-need.js';

export interface Lent {
  /** A worker begins what it was lent in the order of these, so what is beyond its slots waits. */
  readonly token: bigint;
  /** What it reads, as a number. */
  readonly kind: number;
  readonly need: TrialNeed;
  /** It is about to make room for another. */
  endsSoon: boolean;
}

export interface WorkerShape {
  readonly host: string;
  readonly slots: number;
  /** What it may hold ready beyond its slots. */
  readonly prefetch: number;
  /** Memory of each device in bytes; 0: not known. */
  readonly memory: readonly number[];
  /** Where others reach it and could meet there; empty: it joins no gang. */
  readonly address: string;
  /** Which sweeps it takes; see pool-keys.ts. */
  readonly pool: string;
  /** Until then others may be on their way as it was: nothing makes do with it and too few. Monotonic. */
  readonly settledMs: number;
}

interface Worker<T extends Lent> extends WorkerShape {
  readonly workerId: string;
  settledMs: number;
  /** What is taken of its devices. */
  room: DeviceRoom;
  /** The devices of what it was lent. */
  readonly places: Map<T, readonly number[]>;
  /** In the order in which it begins them. */
  readonly lent: T[];
  /** How many of them are about to end. */
  ending: number;
  /** Of what it was lent last, which it may have at hand; -1: nothing so far. */
  kind: number;
  /** Connected, heard of, and not asked to drain. */
  available: boolean;
  /** Why its host is not trusted any more; empty: it is. */
  drained: string;
}

/** A worker that is lent something. */
export interface Machine extends WorkerShape {
  readonly workerId: string;
  readonly room: DeviceRoom;
  readonly lent: { readonly length: number };
}

export class WorkerPool<T extends Lent> {
  readonly #workers = new Map<string, Worker<T>>();
  /** Asked for in every turn, and seldom another. */
  #lendable: readonly Worker<T>[] | null = null;
  /** Available ones that are not among them. */
  #drained: readonly Worker<T>[] = [];

  /** Again: what it was lent stays with it. */
  add(workerId: string, shape: WorkerShape): void {
    const known = this.#workers.get(workerId);
    const room = isSameShape(known, shape) ? known.room : new DeviceRoom(shape.slots, shape.memory);
    const kept = known ?? { lent: [], ending: 0, kind: -1, drained: '', places: new Map<T, readonly number[]>() };
    const worker: Worker<T> = { ...kept, ...shape, workerId, room, available: true };
    this.#workers.set(workerId, worker);
    if (room !== known?.room) for (const each of worker.lent) this.#occupy(worker, each, allOf(room));
    this.#lendable = null;
  }

  /** `settledMs`: of one that is there again; see `WorkerShape`. */
  setAvailable(workerId: string, available: boolean, settledMs?: number): void {
    const worker = this.#workers.get(workerId);
    if (worker === undefined || worker.available === available) return;
    worker.available = available;
    worker.settledMs = settledMs ?? worker.settledMs;
    this.#lendable = null;
  }

  remove(workerId: string): void {
    this.#workers.delete(workerId);
    this.#lendable = null;
  }

  has(workerId: string): boolean {
    return this.#workers.has(workerId);
  }

  /** Of one that has left nobody knows it. */
  poolOf(workerId: string): string | null {
    return this.#workers.get(workerId)?.pool ?? null;
  }

  hostOf(workerId: string): string | null {
    return this.#workers.get(workerId)?.host ?? null;
  }

  /** -1: none. */
  kindOf(workerId: string): number {
    return this.#workers.get(workerId)?.kind ?? -1;
  }

  /** Nobody remembers which devices it has: as far as is known, all of them. */
  lendAgain(workerId: string, each: T): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) this.#lend(worker, each, allOf(worker.room));
  }

  /** To the emptiest devices; if none is left that takes it, to all of them, which it shares. */
  lend(workerId: string, each: T): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) this.#lend(worker, each, worker.room.placesFor(each.need) ?? allOf(worker.room));
  }

  #lend(worker: Worker<T>, each: T, places: readonly number[]): void {
    this.#occupy(worker, each, places);
    worker.lent.splice(placeOf(worker.lent, each.token), 0, each);
    worker.kind = each.kind;
    if (each.endsSoon) worker.ending += 1;
  }

  takeBack(workerId: string, each: T): void {
    const worker = this.#workers.get(workerId);
    const place = worker === undefined ? -1 : placeOf(worker.lent, each.token);
    if (worker?.lent[place] !== each) return;
    worker.lent.splice(place, 1);
    worker.room.giveBack(worker.places.get(each) ?? [], each.need);
    worker.places.delete(each);
    if (each.endsSoon) worker.ending -= 1;
  }

  noteEndsSoon(workerId: string, each: T): void {
    if (each.endsSoon) return;
    each.endsSoon = true;
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) worker.ending += 1;
  }

  /** 0: it is not here. */
  devicesOf(workerId: string): number {
    return this.#workers.get(workerId)?.room.devices ?? 0;
  }

  /** Devices that an attempt has there. */
  placesOf(workerId: string, each: T): readonly number[] {
    return this.#workers.get(workerId)?.places.get(each) ?? [];
  }

  /** In the order in which it begins them. */
  lentTo(workerId: string): readonly T[] {
    return this.#workers.get(workerId)?.lent ?? [];
  }

  isWaiting(workerId: string, each: T): boolean {
    const worker = this.#workers.get(workerId);
    return worker !== undefined && worker.lent.indexOf(each, worker.slots) >= 0;
  }

  /** A worker once for each attempt that it could begin, as far as those are small. */
  freeSlots(): readonly string[] {
    const free: string[] = [];
    for (const { workerId, slots, lent, room } of this.#lendableNow()) {
      if (lent.length >= slots) continue;
      const least = Math.max(lent.length, slots - room.openings);
      for (let slot = least; slot < slots; slot += 1) free.push(workerId);
    }
    return free;
  }

  /** A worker once for each attempt that it could hold ready, as one that it runs is about to end. */
  aheadSlots(): readonly string[] {
    const ahead: string[] = [];
    for (const { workerId, slots, prefetch, lent, ending, room } of this.#lendableNow()) {
      if (lent.length < slots || room.devices > 1) continue; // nobody knows which of its devices will be free first
      for (let held = lent.length; held < slots + Math.min(prefetch, ending); held += 1) ahead.push(workerId);
    }
    return ahead;
  }

  /** At workers that are available, the earliest first. */
  waiting(): readonly T[] {
    const waiting: T[] = [];
    for (const { available, slots, lent } of this.#workers.values()) {
      if (available && lent.length > slots) waiting.push(...lent.slice(slots));
    }
    return waiting.sort((a, b) => (a.token < b.token ? -1 : 1));
  }

  // What is larger than a slot.

  machine(workerId: string): Machine | undefined {
    return this.#workers.get(workerId);
  }

  /** Of those that are lent something, in the order in which they came. */
  lendable(): readonly Machine[] {
    return this.#lendableNow();
  }

  /** Those that are drained and get nothing of what the others can do. */
  drainedBeside(): readonly Machine[] {
    this.#lendableNow();
    return this.#drained;
  }

  /** Whether it could begin where any of those ends that the worker has. */
  fitsAfterAny(workerId: string, need: TrialNeed): boolean {
    const worker = this.#workers.get(workerId);
    return worker?.lent.every((each) => worker.room.isNoLarger(need, each.need)) ?? false;
  }

  // Hosts that are not trusted.

  /** The workers of a host that are not drained so far. */
  trustedOn(host: string): readonly string[] {
    const workers = [...this.#workers.values()].filter((each) => each.host === host && each.drained === '');
    return workers.map(({ workerId }) => workerId);
  }

  /** Whether trials may go to another host than this one. */
  hasTrustedBeside(host: string): boolean {
    return [...this.#workers.values()].some((each) => each.available && each.drained === '' && each.host !== host);
  }

  /** Until another process has its name. */
  drain(workerId: string, reason: string): void {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return;
    worker.drained = reason;
    this.#lendable = null;
  }

  /** Empty: it is trusted. */
  drainedReason(workerId: string): string {
    return this.#workers.get(workerId)?.drained ?? '';
  }

  #occupy(worker: Worker<T>, each: T, places: readonly number[]): void {
    worker.room.take(places, each.need);
    worker.places.set(each, places);
  }

  /** Those that are drained get nothing while there are others, and go on where there are none. */
  #lendableNow(): readonly Worker<T>[] {
    if (this.#lendable === null) {
      const available = [...this.#workers.values()].filter((each) => each.available);
      const trusted = available.filter(({ drained }) => drained === '');
      this.#lendable = trusted.length > 0 ? trusted : available;
      this.#drained = trusted.length > 0 ? available.filter((each) => !trusted.includes(each)) : [];
    }
    return this.#lendable;
  }
}

function isSameShape<T extends WorkerShape>(known: T | undefined, { slots, memory }: WorkerShape): known is T {
  return known?.slots === slots && `${known.memory}` === `${memory}`;
}

function allOf({ devices }: DeviceRoom): readonly number[] {
  return Array.from({ length: devices }, (_, place) => place);
}

/** Where what has that token stands, or would stand. */
function placeOf(lent: readonly Lent[], token: bigint): number {
  let [low, high] = [0, lent.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lent[middle] as Lent).token < token) low = middle + 1;
    else high = middle;
  }
  return low;
}
