/** Student's t distribution, and what follows from it for a mean. */
import { regularizedBeta } from './beta.js';
import type { Sample } from './sample.js';

/** P(T ≤ t). */
export function tCdf(t: number, df: number): number {
  const tail = tTwoSided(t, df) / 2;
  return t > 0 ? 1 - tail : tail;
}

/** P(|T| ≥ |t|). Not by way of the CDF: a small one would lose its digits. */
export function tTwoSided(t: number, df: number): number {
  const square = t * t;
  // By whichever of two complements keeps the digits of a small t, or of a small probability.
  return square < df
    ? 1 - regularizedBeta(0.5, df / 2, square / (df + square))
    : regularizedBeta(df / 2, 0.5, df / (df + square));
}

/** The same few are asked for again and again. */
const CRITICAL = new Map<string, number>();

/** The t that T exceeds in absolute value with probability `alpha`. */
export function tCritical(alpha: number, df: number): number {
  const key = `${alpha} ${df}`;
  const known = CRITICAL.get(key);
  if (known !== undefined) return known;
  const found = bisected(alpha, df);
  CRITICAL.set(key, found);
  return found;
}

function bisected(alpha: number, df: number): number {
  let [low, high] = [0, 1];
  while (tTwoSided(high, df) > alpha) [low, high] = [high, high * 2];
  for (let step = 0; step < 200 && high - low > 1e-15 * high; step += 1) {
    const middle = (low + high) / 2;
    if (tTwoSided(middle, df) > alpha) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Values that are equal but for their last digits, such as differences of accuracies. */
export function isAlike({ mean, sd }: Sample): boolean {
  return sd !== null && sd <= 1e-12 * Math.max(1, Math.abs(mean ?? 0));
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** For the mean of a normal population; `null` for fewer than two values, or for such as say nothing of their spread. */
export function meanInterval({ n, mean, sd }: Sample, confidence = 0.95): Interval | null {
  if (mean === null || sd === null || isAlike({ n, mean, sd })) return null;
  const half = (tCritical(1 - confidence, n - 1) * sd) / Math.sqrt(n);
  return { low: mean - half, high: mean + half };
}

/** For the mean of so many new values of the same normal population; `null` as for `meanInterval`. */
export function predictionInterval({ n, mean, sd }: Sample, values: number, confidence = 0.95): Interval | null {
  if (mean === null || sd === null || isAlike({ n, mean, sd })) return null;
  const half = tCritical(1 - confidence, n - 1) * sd * Math.sqrt(1 / n + 1 / values);
  return { low: mean - half, high: mean + half };
}

/**
 * Of shares, such as accuracies, cut off at 0 and 1. The mean of shares cannot lie beyond, so that what is left holds it as
 * often as the whole does.
 */
export function withinShares<T extends Interval | null>(interval: T): T | Interval {
  return interval && cutOff(interval, 0);
}

/** Of differences of two shares, cut off at −1 and 1. */
export function withinDifferences<T extends Interval | null>(interval: T): T | Interval {
  return interval && cutOff(interval, -1);
}

function cutOff({ low, high }: Interval, least: number): Interval {
  return { low: Math.min(1, Math.max(least, low)), high: Math.max(least, Math.min(1, high)) };
}

/**
 * How many values in all give the mean an interval of at most this half-width, if their spread is what it is now.
 * `null`: one value or equal ones say nothing of the spread.
 */
export function valuesNeeded(sample: Sample, halfWidth: number, confidence = 0.95): number | null {
  const { n, sd } = sample;
  if (sd === null || isAlike(sample) || halfWidth <= 0) return null;
  const isEnough = (count: number) => (tCritical(1 - confidence, count - 1) * sd) / Math.sqrt(count) <= halfWidth;
  let most = 2;
  while (!isEnough(most)) {
    most *= 2;
    if (most > 1e9) return null;
  }
  let [least, enough] = [Math.max(2, most / 2), most];
  while (least < enough) {
    const middle = Math.floor((least + enough) / 2);
    if (isEnough(middle)) enough = middle;
    else least = middle + 1;
  }
  return Math.max(enough, n);
}
