/** Time that moves when the test says so. */
import type { Clock, Random, Timer } from '../../orchestrator/control/clock.js';

export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Map<object, { readonly atMs: number; readonly call: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return Date.UTC(2026, 10, 24) + this.#nowMs;
  }

  after(delayMs: number, call: () => void): Timer {
    const key = {};
    this.#timers.set(key, { atMs: this.#nowMs + delayMs, call });
    return { cancel: () => this.#timers.delete(key) };
  }

  /** Timers that come due ring in their order, each at its own time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { atMs }]) => atMs <= untilMs).sort(([, a], [, b]) => a.atMs - b.atMs);
      const [next] = due;
      if (next === undefined) break;
      const [key, { atMs, call }] = next;
      this.#timers.delete(key);
      this.#nowMs = Math.max(this.#nowMs, atMs);
      call();
    }
    this.#nowMs = untilMs;
  }

  /** As after a suspension: time has passed, and what was due rings late. */
  jump(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }
}

/** Random values that are none. */
export const fixedRandom: Random = {
  bytes: (length) => new Uint8Array(length).fill(7),
  unit: () => 0.5,
};
