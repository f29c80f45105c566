/**
 * An interval for the difference of two methods to new seeds and new rows alike: seeds are drawn again, and rows, the
 * same rows for all of them; what the two move the mean by is added.
 *
 * Means of few seeds that are drawn again vary less than means of new seeds do. So what the drawn seeds move the mean by
 * is made longer: by √(n / (n − 1)) times t over z (the expanded percentile interval; source: Hesterberg 2015, The
 * American Statistician 69, 371–386, section 5.2), 1.22 times for ten. What the drawn rows move it by is left as it is,
 * for rows are many. So the interval is as wide as that by t over seeds alone where rows move nothing, and wider where
 * they do.
 *
 * Chance that is another at each row of each seed counts with the seeds and with the rows, so that the interval holds
 * somewhat more often than it says: in 96 % where seeds differ by ten points and there are 200 rows.
 *
 * 2026-11-26: rows drawn under the drawn seeds (the pigeonhole bootstrap; source: Owen 2007, Annals of Applied Statistics
 * 1, 386–411) count that chance three times, and make such an interval 1.10 times as wide as t over seeds, where this
 * makes it 1.05 times. To take it out by an estimate of it may leave nothing of the rows.
 *
 * How often a row is drawn is a Poisson number with mean 1, and of rows that add the same, all together: a Poisson number
 * with their count as its mean. Source: Chamandy et al. 2012, "Estimating Uncertainty for Massive Data Streams".
 */
import { normalQuantile } from './normal.js';
import { agreementOf, rowDifferences } from './paired-bits.js';
import { poisson } from './poisson.js';
import type { RandomSource } from './random.js';
import { type Interval, tCritical, withinDifferences } from './student-t.js';

/** Fewer have too few ways to be drawn. */
const LEAST_SEEDS = 10;
/** More would move an end by less than a twelfth of a standard error, and a table has hundreds of intervals. */
const RESAMPLES = 1_000;

export interface PairedBits {
  /** Of one seed: row i at byte i / 8, bit i % 8. */
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/** Of the mean over rows and seeds of second − first, in [−1, 1]; `null` for fewer than ten seeds. */
export function twoLevelInterval(
  pairs: readonly PairedBits[],
  rows: number,
  random: RandomSource,
  { confidence = 0.95, resamples = RESAMPLES }: { readonly confidence?: number; readonly resamples?: number } = {},
): Interval | null {
  const n = pairs.length;
  if (n < LEAST_SEEDS || rows === 0) return null;
  const alpha = 1 - confidence;
  const factor = Math.sqrt(n / (n - 1)) * (tCritical(alpha, n - 1) / -normalQuantile(alpha / 2));
  const bySeed = pairs.map((pair) => differenceOf(pair, rows));
  const mean = bySeed.reduce((sum, each) => sum + each, 0) / n;
  const counts = countsOf(rowDifferences(pairs, rows));
  const means = new Float64Array(resamples);
  for (let round = 0; round < resamples; round += 1) {
    let ofSeeds = 0;
    for (let draw = 0; draw < n; draw += 1) ofSeeds += bySeed[random.below(n)] as number;
    let [sum, drawn] = [0, 0];
    for (const { value, count } of counts) {
      const times = poisson(count, random);
      sum += times * value;
      drawn += times;
    }
    const ofRows = drawn === 0 ? mean : sum / (drawn * n);
    means[round] = ofRows + factor * (ofSeeds / n - mean);
  }
  means.sort();
  // As many beyond one end as beyond the other.
  const beyond = Math.max(0, Math.floor(((resamples + 1) * alpha) / 2) - 1);
  return withinDifferences({ low: means[beyond] as number, high: means[resamples - 1 - beyond] as number });
}

/** Of one seed, over all rows. */
function differenceOf({ first, second }: PairedBits, rows: number): number {
  const { onlyFirst, onlySecond } = agreementOf(first, second, rows);
  return (onlySecond - onlyFirst) / rows;
}

/** How often each value is there. */
function countsOf(values: Int32Array): readonly { readonly value: number; readonly count: number }[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count }));
}
