/** Time of a simulated world: it moves from timer to timer, and after each lets the control plane have its turn. */
import type { Clock, Timer } from '../../../orchestrator/control/clock.js';

const STANDSTILL = 1_000;

export class SimulatedClock implements Clock {
  #nowMs = 0;
  #nextId = 0;
  readonly #timers = new Map<number, { readonly atMs: number; readonly call: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return Date.UTC(2026, 10, 24) + Math.round(this.#nowMs);
  }

  after(delayMs: number, call: () => void): Timer {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, delayMs), call });
    return { cancel: () => this.#timers.delete(id) };
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    let standing = 0;
    for (;;) {
      let next: number | null = null;
      let atMs = untilMs;
      for (const [id, timer] of this.#timers) {
        if (timer.atMs < atMs || (timer.atMs === atMs && next === null)) [next, atMs] = [id, timer.atMs];
      }
      if (next === null) break;
      standing = atMs > this.#nowMs ? 0 : standing + 1;
      if (standing > STANDSTILL)
        throw new Error(`${STANDSTILL} timers rang while no time passed: somebody goes round in circles`);
      const call = this.#timers.get(next)?.call;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, atMs);
      call?.();
      await turn();
    }
    this.#nowMs = untilMs;
    await turn();
  }
}

/** As long as one turn of the event loop, in which the control plane does what is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
