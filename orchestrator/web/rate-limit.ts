/** So many requests at once, and so many a second after that, for each who asks. */

/** More are not told apart: whoever can send from so many addresses is not held up by counting them. */
const MAX_KNOWN = 10_000;

interface Bucket {
  left: number;
  filledAtMs: number;
}

export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(burst: number, perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** False: too many; nothing is taken. */
  take(who: string): boolean {
    const bucket = this.#filled(who);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  /** Whether `take` would give true. */
  has(who: string): boolean {
    return this.#filled(who).left >= 1;
  }

  #filled(who: string): Bucket {
    const nowMs = this.#nowMs();
    let bucket = this.#buckets.get(who);
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_KNOWN) this.#forgetFull(nowMs);
      bucket = { left: this.#burst, filledAtMs: nowMs };
      this.#buckets.set(this.#buckets.size >= MAX_KNOWN ? 'others' : who, bucket);
    }
    bucket.left = Math.min(this.#burst, bucket.left + ((nowMs - bucket.filledAtMs) / 1000) * this.#perSecond);
    bucket.filledAtMs = nowMs;
    return bucket;
  }

  #forgetFull(nowMs: number): void {
    const fullAfterMs = (this.#burst / this.#perSecond) * 1000;
    for (const [who, { filledAtMs }] of this.#buckets) if (nowMs - filledAtMs > fullAfterMs) this.#buckets.delete(who);
  }
}
