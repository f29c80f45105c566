/** What proves a lease: a number that grows with every one, so that an old one is told apart, and that none can guess. */

/** Of chance in a token. The rest of 63 bits counts: four thousand million leases. */
const CHANCE_BITS = 31n;

/** `chance`: `CHANCE_BITS` of it, as a number. */
export function leaseToken(count: bigint, chance: number): bigint {
  return (count << CHANCE_BITS) | BigInt(chance);
}
