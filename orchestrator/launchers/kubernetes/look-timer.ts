/**
 * When to look: at once for whoever asks, soon after a hint, by itself in a while, and one look at a time. After a look
 * that calls for quiet nothing brings the next one forward.
 */

export interface NextLook {
  /** After so long it is time to look again. */
  readonly inMs: number;
  /** A hint, or whoever asks, may bring it forward; false: it is to be quiet until then. */
  readonly mayBeSooner: boolean;
}

/** Hints that come within it make one look. */
const SOON_MS = 1_000;

export class LookTimer {
  readonly #look: () => Promise<NextLook>;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | null = null;
  /** When it goes off. */
  #dueMs = Number.POSITIVE_INFINITY;
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  /** Somebody has asked during the look that goes on; or something has changed that it may not have seen. */
  #isAskedFor = false;
  #hasHint = false;
  #isClosed = false;

  constructor(look: () => Promise<NextLook>, nowMs: () => number) {
    this.#look = look;
    this.#nowMs = nowMs;
  }

  /** Whoever asks during a look waits for the next; whoever asks while it is to be quiet waits for none. */
  async now(): Promise<void> {
    if (this.#looking === null && this.#isQuiet) return;
    await this.#begin();
  }

  in(ms: number): void {
    if (this.#isClosed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dueMs = this.#nowMs() + ms;
    // Not by `now`: a timer may go off a little before its time, which would be in the quiet then, and no other is set.
    this.#timer = setTimeout(() => void this.#begin(), ms);
  }

  /** After a hint. Those that follow do not put the look off. */
  soon(): void {
    if (this.#looking !== null) this.#hasHint = true;
    else if (!this.#isQuiet && this.#dueMs > this.#nowMs() + SOON_MS) this.in(SOON_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  get #isQuiet(): boolean {
    return this.#nowMs() < this.#quietUntilMs;
  }

  async #begin(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#looking !== null) {
      this.#isAskedFor = true;
      await this.#looking;
      return;
    }
    this.#looking = this.#lookUntilDone();
    try {
      await this.#looking;
    } finally {
      this.#looking = null;
    }
  }

  async #lookUntilDone(): Promise<void> {
    do {
      this.#isAskedFor = false;
      this.#hasHint = false;
      const { inMs, mayBeSooner } = await this.#look();
      this.#quietUntilMs = mayBeSooner ? Number.NEGATIVE_INFINITY : this.#nowMs() + inMs;
      this.in(this.#hasHint && mayBeSooner ? Math.min(inMs, SOON_MS) : inMs);
    } while (this.#isAskedFor && !this.#isQuiet && !this.#isClosed);
  }
}
