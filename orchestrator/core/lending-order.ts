/**
 * In which order trials are lent. A free slot goes to
 *
 * 1. the sweep with the highest priority. A sweep that has nothing lent while trials of its wait rises by one for each
 *    full hour of that, so that nothing waits for ever; once it is lent a slot it stands at its own priority again;
 * 2. the owner who holds the fewest slots, and of this owner's sweeps the one that holds the fewest for its weight: with
 *    weights 1 and 3 it comes to one slot beside three;
 * 3. the sweep that was submitted first.
 *
 * Within a sweep a trial that needs more devices goes first (today each needs one); then the first seed of every cell
 * goes before the second seed of any, and so on; then the order of the sweep's file. Among the next 64 trials of one
 * sweep and one seed a worker prefers one of the model and dataset that it ran last, and gets one that has died there
 * only where there is no other.
 *
 * A trial that several sweeps want is run once: it counts for the first of them in this order.
 */
const HOUR_MS = 3_600_000;

/** A sweep that asks for a slot. */
export interface Claim {
  readonly priority: number;
  readonly weight: number;
  readonly order: number;
  readonly lent: number;
  readonly owner: { readonly lent: number };
  /** Since when it has had something to lend, and nothing lent. */
  readonly waitingSinceMs: number;
}

/** Below 0: `a` goes first. Never 0 for two sweeps. */
export function compareClaims(a: Claim, b: Claim, nowMs: number): number {
  return (
    risenPriority(b, nowMs) - risenPriority(a, nowMs) ||
    a.owner.lent - b.owner.lent ||
    a.lent / a.weight - b.lent / b.weight ||
    a.order - b.order
  );
}

function risenPriority({ priority, lent, waitingSinceMs }: Claim, nowMs: number): number {
  return lent > 0 ? priority : priority + Math.floor((nowMs - waitingSinceMs) / HOUR_MS);
}
