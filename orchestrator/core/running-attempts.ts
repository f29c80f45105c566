/** Attempts that run or are held ready, by the rows of their trials and in the order in which their leases end. */
import type { LeaseRef } from './domain.js';
import type { LiveSweep } from './live-sweep.js';
import { OrderedQueue } from './ordered-queue.js';
import type { Lent } from './worker-pool.js';

export interface Running extends Lent {
  readonly row: number;
  readonly lease: LeaseRef;
  readonly workerId: string;
  /** The lease's end. Monotonic. */
  untilMs: number;
  /** The live sweep that its slot counts for; `null`: none wants it. */
  payer: LiveSweep | null;
}

export class RunningAttempts {
  readonly #byRow = new Map<number, Running>();
  readonly #leases = new OrderedQueue<Running>((a, b) => a.untilMs < b.untilMs);

  get size(): number {
    return this.#byRow.size;
  }

  /** When the next lease ends; `null`: there is none. */
  get nextMs(): number | null {
    return this.#leases.peek()?.untilMs ?? null;
  }

  all(): Iterable<Running> {
    return this.#byRow.values();
  }

  get(row: number): Running | undefined {
    return this.#byRow.get(row);
  }

  add(running: Running): void {
    this.#byRow.set(running.row, running);
    this.#leases.add(running);
  }

  delete(running: Running): void {
    this.#byRow.delete(running.row);
    this.#leases.remove(running);
  }

  renew(running: Running, untilMs: number): void {
    this.#leases.remove(running);
    running.untilMs = untilMs;
    this.#leases.add(running);
  }

  /** The earliest first. */
  expired(nowMs: number): readonly Running[] {
    return this.#leases.first(this.#leases.size, ({ untilMs }) => untilMs <= nowMs);
  }
}
