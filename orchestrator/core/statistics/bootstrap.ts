/** The bias-corrected and accelerated bootstrap of a mean. Source: Efron 1987, J. Am. Stat. Assoc. 82, 171–185. */
import { normalCdf, normalQuantile } from './normal.js';
import type { RandomSource } from './random.js';
import { sampleOf } from './sample.js';
import { type Interval, isAlike } from './student-t.js';

/** With fewer values it covers far less than it says: at 5, about 84 % where it says 95 %. */
const LEAST_VALUES = 10;
/** More would move an end by less than a twelfth of a standard error, and a report has hundreds of intervals. */
const RESAMPLES = 2_000;

/** `null`: too few values, or all alike. */
export function bootstrapInterval(
  values: readonly number[],
  random: RandomSource,
  { confidence = 0.95, resamples = RESAMPLES }: { readonly confidence?: number; readonly resamples?: number } = {},
): Interval | null {
  const n = values.length;
  if (n < LEAST_VALUES || isAlike(sampleOf(values))) return null;
  const mean = meanOf(values);
  const means = new Float64Array(resamples);
  for (let round = 0; round < resamples; round += 1) {
    let sum = 0;
    for (let draw = 0; draw < n; draw += 1) sum += values[random.below(n)] as number;
    means[round] = sum / n;
  }
  means.sort();
  // Those that are equal count half: accuracies are multiples of one over the rows.
  const below = means.filter((each) => each < mean).length + means.filter((each) => each === mean).length / 2;
  const bias = normalQuantile(Math.min(Math.max(below / resamples, 0.5 / resamples), 1 - 0.5 / resamples));
  const acceleration = accelerationOf(values);
  const at = (z: number): number => {
    const shifted = bias + (bias + z) / (1 - acceleration * (bias + z));
    const place = Math.floor(normalCdf(shifted) * resamples);
    return means[Math.min(Math.max(place, 0), resamples - 1)] as number;
  };
  const z = normalQuantile((1 - confidence) / 2);
  return { low: at(z), high: at(-z) };
}

/** By the jackknife. */
function accelerationOf(values: readonly number[]): number {
  const n = values.length;
  const total = values.reduce((sum, value) => sum + value, 0);
  const left = values.map((value) => (total - value) / (n - 1));
  const center = meanOf(left);
  const cubes = left.reduce((sum, each) => sum + (center - each) ** 3, 0);
  const squares = left.reduce((sum, each) => sum + (center - each) ** 2, 0);
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
