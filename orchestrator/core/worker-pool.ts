/** Which workers there are and what each was lent: where a trial could begin at once, and where it could be held ready. */

export interface Lent {
  /** A worker begins what it was lent in the order of these, so what is beyond its slots waits. */
  readonly token: bigint;
  /** It is about to make room for another. */
  readonly endsSoon: boolean;
}

interface Worker<T extends Lent> {
  readonly slots: number;
  /** What it may hold ready beyond its slots. */
  readonly prefetch: number;
  readonly lent: Set<T>;
  /** Connected, heard of, and not asked to drain. */
  available: boolean;
}

export class WorkerPool<T extends Lent> {
  readonly #workers = new Map<string, Worker<T>>();

  /** Again: what it was lent stays with it. */
  add(workerId: string, slots: number, prefetch: number): void {
    const lent = this.#workers.get(workerId)?.lent ?? new Set<T>();
    this.#workers.set(workerId, { slots, prefetch, lent, available: true });
  }

  setAvailable(workerId: string, available: boolean): void {
    const worker = this.#workers.get(workerId);
    if (worker !== undefined) worker.available = available;
  }

  remove(workerId: string): void {
    this.#workers.delete(workerId);
  }

  lend(workerId: string, each: T): void {
    this.#workers.get(workerId)?.lent.add(each);
  }

  takeBack(workerId: string, each: T): void {
    this.#workers.get(workerId)?.lent.delete(each);
  }

  /** In the order in which it begins them. */
  lentTo(workerId: string): readonly T[] {
    const worker = this.#workers.get(workerId);
    return worker === undefined ? [] : inOrder(worker.lent);
  }

  isWaiting(workerId: string, each: T): boolean {
    const worker = this.#workers.get(workerId);
    return worker !== undefined && waitingAt(worker).includes(each);
  }

  freeSlots(): readonly string[] {
    const free: string[] = [];
    for (const [workerId, { available, slots, lent }] of this.#workers) {
      if (!available) continue;
      for (let slot = lent.size; slot < slots; slot += 1) free.push(workerId);
    }
    return free;
  }

  aheadSlots(): readonly string[] {
    const ahead: string[] = [];
    for (const [workerId, { available, slots, prefetch, lent }] of this.#workers) {
      if (!available || prefetch === 0 || lent.size < slots) continue;
      const ending = [...lent].filter(({ endsSoon }) => endsSoon).length;
      for (let held = lent.size; held < slots + Math.min(prefetch, ending); held += 1) ahead.push(workerId);
    }
    return ahead;
  }

  /** At workers that are available, the earliest first. */
  waiting(): readonly T[] {
    return inOrder([...this.#workers.values()].filter(({ available }) => available).flatMap(waitingAt));
  }
}

function waitingAt<T extends Lent>({ slots, lent }: Worker<T>): readonly T[] {
  return lent.size > slots ? inOrder(lent).slice(slots) : [];
}

function inOrder<T extends Lent>(lent: Iterable<T>): readonly T[] {
  return [...lent].sort((a, b) => (a.token < b.token ? -1 : 1));
}
