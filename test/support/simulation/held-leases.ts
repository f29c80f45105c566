/** What a worker holds by its own clock alone, as the agent's heartbeat has it: from the last word that was answered. */
import type { LeaseRef } from '../../../orchestrator/core/domain.js';
import type { SimulatedClock } from './clock.js';

/** Let go a tenth before the end, so that nothing runs any more when somebody else may begin. */
const HELD_FOR = 0.9;

export class HeldLeases {
  readonly #clock: SimulatedClock;
  readonly #leaseMs: number;
  readonly #held = new Map<bigint, { readonly lease: LeaseRef; endsMs: number }>();
  /** When what waits for an answer was sent. */
  #unanswered: number[] = [];
  #answeredMs = 0;

  constructor(clock: SimulatedClock, leaseMs: number) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** In the order in which they came. */
  get all(): readonly LeaseRef[] {
    return [...this.#held.values()].map(({ lease }) => lease);
  }

  has(token: bigint): boolean {
    return this.#held.has(token);
  }

  /** Also if nobody has looked at the clock since. */
  isGood(token: bigint): boolean {
    return (this.#held.get(token)?.endsMs ?? Number.NEGATIVE_INFINITY) > this.#clock.nowMs();
  }

  helloSent(): void {
    this.#unanswered = [];
    this.#answeredMs = this.#clock.nowMs();
  }

  renewSent(): void {
    this.#unanswered.push(this.#clock.nowMs());
  }

  renewed(leases: readonly LeaseRef[]): void {
    const sentMs = this.#unanswered.shift();
    if (sentMs === undefined) return;
    this.#answeredMs = sentMs;
    for (const { token } of leases) {
      const held = this.#held.get(token);
      if (held !== undefined) held.endsMs = this.#endOf(sentMs);
    }
  }

  disconnected(): void {
    this.#unanswered = [];
  }

  hold(lease: LeaseRef): void {
    this.#held.set(lease.token, { lease, endsMs: this.#endOf(this.#answeredMs) });
  }

  drop(token: bigint): void {
    this.#held.delete(token);
  }

  clear(): void {
    this.#held.clear();
    this.#unanswered = [];
  }

  /** Lets go of what is over. */
  expire(): readonly LeaseRef[] {
    const over = this.all.filter(({ token }) => !this.isGood(token));
    for (const { token } of over) this.#held.delete(token);
    return over;
  }

  #endOf(sentMs: number): number {
    return sentMs + HELD_FOR * this.#leaseMs;
  }
}
