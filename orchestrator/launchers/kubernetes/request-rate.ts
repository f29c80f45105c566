/** At most so many requests a second, some more at once after a pause, and none while the server asks for quiet. */

export interface RequestRateParts {
  readonly perSecond: number;
  /** Saved up while nothing is asked. */
  readonly burst: number;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export class RequestRate {
  readonly #parts: RequestRateParts;
  /** When the bucket would be full again. */
  #fullAtMs: number;
  #quietUntilMs = 0;

  constructor(parts: RequestRateParts) {
    this.#parts = parts;
    this.#fullAtMs = parts.nowMs();
  }

  /** Resolves when the next request may go. In the order asked. */
  async turn(signal?: AbortSignal): Promise<void> {
    const { perSecond, burst, nowMs, sleep } = this.#parts;
    const each = 1000 / perSecond;
    const now = nowMs();
    this.#fullAtMs = Math.max(this.#fullAtMs, now) + each;
    const waitMs = Math.max(this.#fullAtMs - now - burst * each, this.#quietUntilMs - now);
    if (waitMs > 0) await sleep(waitMs, signal);
  }

  /** For all requests, not only the one that was refused. */
  quiet(forMs: number): void {
    this.#quietUntilMs = Math.max(this.#quietUntilMs, this.#parts.nowMs() + forMs);
  }
}
