/** So many requests at once, and so many a second after that, for each who asks. */
import { isIPv6 } from 'node:net';

/** All others have one bucket together: addresses by the thousand buy nobody more than that. */
const MAX_KNOWN = 10_000;

interface Bucket {
  left: number;
  filledAtMs: number;
}

export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  /** Whoever has not asked for the longest comes first. */
  readonly #buckets = new Map<string, Bucket>();
  readonly #others: Bucket;

  constructor(burst: number, perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#others = { left: burst, filledAtMs: nowMs() };
  }

  /** False: too many; nothing is taken. */
  take(address: string): boolean {
    const bucket = this.#filled(address);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  /** Whether `take` would give true. */
  has(address: string): boolean {
    return this.#filled(address).left >= 1;
  }

  #filled(address: string): Bucket {
    const nowMs = this.#nowMs();
    const bucket = this.#bucketOf(whoAsks(address), nowMs);
    bucket.left = Math.min(this.#burst, bucket.left + ((nowMs - bucket.filledAtMs) / 1000) * this.#perSecond);
    bucket.filledAtMs = nowMs;
    return bucket;
  }

  #bucketOf(who: string, nowMs: number): Bucket {
    const known = this.#buckets.get(who);
    if (known === undefined && !this.#hasRoom(nowMs)) return this.#others;
    const bucket = known ?? { left: this.#burst, filledAtMs: nowMs };
    this.#buckets.delete(who); // to the end
    this.#buckets.set(who, bucket);
    return bucket;
  }

  /** Makes some where the first one's bucket is full again: that is as good as none. */
  #hasRoom(nowMs: number): boolean {
    if (this.#buckets.size < MAX_KNOWN) return true;
    const [first] = this.#buckets;
    const fullAfterMs = (this.#burst / this.#perSecond) * 1000;
    return first !== undefined && nowMs - first[1].filledAtMs >= fullAfterMs && this.#buckets.delete(first[0]);
  }
}

const MAPPED_IPV4 = /^::ffff:(\d+(?:\.\d+){3})$/;

/** Of IPv6 the network: whoever has one address there has 2^64, and may send each request from another. */
function whoAsks(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
