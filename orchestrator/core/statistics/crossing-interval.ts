/**
 * How sure it is where a curve crosses: seeds are drawn again, the same ones for every share and for what the curve is
 * held against.
 *
 * Means of few seeds that are drawn again vary less than means of new seeds do. So each mean's distance from the true one
 * is made longer: by √(n / (n − 1)) times t over z (the expanded percentile interval; source: Hesterberg 2015, The
 * American Statistician 69, 371–386, section 5.2). With five seeds that is 1.6 times.
 */
import { type Crossing, crossingOfSorted } from './crossing.js';
import { normalQuantile } from './normal.js';
import type { RandomSource } from './random.js';
import { tCritical } from './student-t.js';

/** Fewer have too few ways to be drawn. */
export const LEAST_SEEDS = 4;
const RESAMPLES = 2_000;

export interface SeedsOfShare {
  /** Of the training split, in (0, 1]. */
  readonly share: number;
  /** A value for each seed, in the same order for all. */
  readonly accuracies: readonly number[];
}

export interface CrossingInterval {
  /** `null`: the least share that was tried, or less. */
  readonly low: number | null;
  /** `null`: more than any share that was tried. */
  readonly high: number | null;
}

/** `null`: too few seeds. @param goal accuracies of the same seeds, whose mean is to be reached */
export function crossingInterval(
  curve: readonly SeedsOfShare[],
  goal: readonly number[],
  random: RandomSource,
  { confidence = 0.95, resamples = RESAMPLES }: { readonly confidence?: number; readonly resamples?: number } = {},
): CrossingInterval | null {
  const n = goal.length;
  if (n < LEAST_SEEDS || curve.length === 0) return null;
  const alpha = 1 - confidence;
  const factor = Math.sqrt(n / (n - 1)) * (tCritical(alpha, n - 1) / -normalQuantile(alpha / 2));
  // Sorted once, and filled anew with what is drawn.
  const points = curve
    .toSorted((a, b) => a.share - b.share)
    .map(({ share, accuracies }) => ({ share, accuracies, mean: meanOf(accuracies), accuracy: 0 }));
  const goalMean = meanOf(goal);
  const least = Math.min(...curve.map(({ share }) => share));
  const drawn = new Int32Array(n);
  const expanded = (accuracies: readonly number[], mean: number): number => {
    let sum = 0;
    for (let draw = 0; draw < n; draw += 1) sum += accuracies[drawn[draw] as number] as number;
    return mean + factor * (sum / n - mean);
  };
  const places = new Float64Array(resamples);
  for (let round = 0; round < resamples; round += 1) {
    for (let draw = 0; draw < n; draw += 1) drawn[draw] = random.below(n);
    for (const point of points) point.accuracy = expanded(point.accuracies, point.mean);
    places[round] = placeOf(crossingOfSorted(points, expanded(goal, goalMean)), least);
  }
  places.sort();
  const at = (share: number) => places[Math.min(resamples - 1, Math.floor(share * resamples))] as number;
  const [low, high] = [at(alpha / 2), at(1 - alpha / 2)];
  return { low: low <= least ? null : low, high: Number.isFinite(high) ? high : null };
}

function placeOf(crossing: Crossing, least: number): number {
  switch (crossing.kind) {
    case 'reached':
      return crossing.share;
    case 'always':
      return least;
    case 'never':
      return Infinity;
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
