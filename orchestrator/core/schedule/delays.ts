/** Trials that wait for a time. */
import { OrderedQueue } from './ordered-queue.js';

interface Delay {
  readonly row: number;
  /** Monotonic. */
  readonly untilMs: number;
}

export class Delays {
  readonly #byRow = new Map<number, Delay>();
  readonly #inOrder = new OrderedQueue<Delay>((a, b) => a.untilMs < b.untilMs);

  has(row: number): boolean {
    return this.#byRow.has(row);
  }

  /** `null`: it waits for none. */
  untilOf(row: number): number | null {
    return this.#byRow.get(row)?.untilMs ?? null;
  }

  /** `null`: none. */
  get nextMs(): number | null {
    return this.#inOrder.peek()?.untilMs ?? null;
  }

  /** Of a trial that does not wait so far. */
  add(row: number, untilMs: number): void {
    const delay = { row, untilMs };
    this.#byRow.set(row, delay);
    this.#inOrder.add(delay);
  }

  delete(row: number): void {
    const delay = this.#byRow.get(row);
    if (delay === undefined) return;
    this.#byRow.delete(row);
    this.#inOrder.remove(delay);
  }

  /** Those whose time has come, which do not wait any more. */
  takeDue(nowMs: number): readonly number[] {
    const due = this.#inOrder.first(this.#inOrder.size, ({ untilMs }) => untilMs <= nowMs);
    for (const { row } of due) this.delete(row);
    return due.map(({ row }) => row);
  }
}
