/**
 * In which order trials are lent. A free slot goes to
 *
 * 1. the sweep with the highest priority. A sweep that has nothing lent while trials of its wait rises by one for each
 *    full hour of that, so that nothing waits for ever; once it is lent a slot it stands at its own priority again;
 * 2. the owner who holds the fewest slots, and of this owner's sweeps the one that holds the fewest for its weight: with
 *    weights 1 and 3 it comes to one slot beside three. A trial on several devices holds as many slots;
 * 3. the sweep that was submitted first.
 *
 * Within a sweep a trial that needs more devices goes first; then the first seed of every cell goes before the second
 * seed of any, and so on; then the order of the sweep's file. Among the next 64 trials of one
 * sweep and one seed a worker prefers one of the model and dataset that it ran last, and gets one that has died there
 * only where there is no other.
 *
 * What does not fit where a slot is free goes wherever else it fits, all of its devices and machines at once, or waits
 * with nothing in its hands, and the slot goes to the next that fits. So that small trials cannot starve it, the first
 * that waits so, of those for which there are workers enough, has those workers reserved on which the least is to end:
 * they are lent nothing else, unless to a sweep of higher priority, until it begins or is wanted no more. There is one
 * reservation at a time, and only a trial of higher priority takes it over. On reserved workers nothing begins and all
 * ends, so its turn comes; and who waits holds nothing, so nobody waits for each other.
 *
 * A gang that may shrink (`min_machines`) waits for all its machines before it has begun. One that has begun, and was
 * lost, makes do with all that could be in it where those are too few, if they are not fewer than it allows: with those
 * that are busy too, for which it waits, so that a small trial costs it no machine. It counts for the devices that it
 * gets, and keeps to them until it ends. Whoever has come, or come back, within the last lease may not be the last to:
 * so long it waits for more. 2026-11: weighed against growing again, which costs a restart whose price nobody knows, and
 * against a time to wait that people set, who would have to guess how long a machine takes to come back.
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

/** As it stands now. */
export function risenPriority(
  { priority, lent, waitingSinceMs }: Pick<Claim, 'priority' | 'lent' | 'waitingSinceMs'>,
  nowMs: number,
): number {
  return lent > 0 ? priority : priority + Math.floor((nowMs - waitingSinceMs) / HOUR_MS);
}
