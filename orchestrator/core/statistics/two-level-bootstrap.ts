/**
 * An interval for the difference of two methods to new seeds and new rows alike: seeds are drawn again, and rows, the
 * same rows for all of them.
 *
 * How often a row is drawn is a Poisson number with mean 1, and of rows that add the same under the drawn seeds, all
 * together: a Poisson number with their count as its mean. A round of 20 seeds draws some thirty numbers so, not one for
 * each row. Source: Chamandy et al. 2012, "Estimating Uncertainty for Massive Data Streams".
 */
import { poisson } from './poisson.js';
import type { RandomSource } from './random.js';
import type { Interval } from './student-t.js';

/** With fewer seeds it covers less than it says: at 5, about 89 % where it says 95 %. */
const LEAST_SEEDS = 10;
/** More would move an end by less than a twelfth of a standard error, and a table has hundreds of intervals. */
const RESAMPLES = 1_000;

export interface PairedBits {
  /** Of one seed: row i at byte i / 8, bit i % 8. */
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/**
 * Percentile interval of the mean over rows and seeds of second − first; `null` for fewer than ten seeds.
 */
export function twoLevelInterval(
  pairs: readonly PairedBits[],
  rows: number,
  random: RandomSource,
  { confidence = 0.95, resamples = RESAMPLES }: { readonly confidence?: number; readonly resamples?: number } = {},
): Interval | null {
  if (pairs.length < LEAST_SEEDS || rows === 0) return null;
  const seeds = pairs.length;
  const lanes = lanesOf(pairs, rows);
  const sums = lanes.empty();
  // By what a row adds under the drawn seeds, from −seeds to seeds.
  const counts = new Int32Array(2 * seeds + 1);
  const seedWeights = new Int32Array(seeds);
  const means = new Float64Array(resamples);
  for (let round = 0; round < resamples; round += 1) {
    seedWeights.fill(0);
    for (let draw = 0; draw < seeds; draw += 1) {
      const seed = random.below(seeds);
      seedWeights[seed] = (seedWeights[seed] as number) + 1;
    }
    addWeighted(sums.words, lanes.bySeed, seedWeights);
    countInto(counts, sums.values, rows);
    let [sum, drawn] = [0, 0];
    for (let value = 0; value < counts.length; value += 1) {
      const count = counts[value] as number;
      if (count === 0) continue;
      const times = poisson(count, random);
      sum += times * (value - seeds);
      drawn += times;
    }
    means[round] = drawn === 0 ? 0 : sum / (drawn * seeds);
  }
  means.sort();
  const at = (share: number) => means[Math.min(resamples - 1, Math.floor(share * resamples))] as number;
  return { low: at((1 - confidence) / 2), high: at(1 - (1 - confidence) / 2) };
}

/**
 * How often each value is there. Four rows at a time, each with counts of its own: most rows have one of a few values,
 * and to count the same one again at once is to wait for the last count to be written.
 */
function countInto(counts: Int32Array, values: Uint8Array | Uint16Array, rows: number): void {
  const size = counts.length;
  const lanes = new Int32Array(4 * size);
  const whole = rows - (rows % 4);
  for (let row = 0; row < whole; row += 4) {
    const a = values[row] as number;
    const b = size + (values[row + 1] as number);
    const c = 2 * size + (values[row + 2] as number);
    const d = 3 * size + (values[row + 3] as number);
    lanes[a] = (lanes[a] as number) + 1;
    lanes[b] = (lanes[b] as number) + 1;
    lanes[c] = (lanes[c] as number) + 1;
    lanes[d] = (lanes[d] as number) + 1;
  }
  for (let row = whole; row < rows; row += 1) {
    const value = values[row] as number;
    lanes[value] = (lanes[value] as number) + 1;
  }
  for (let value = 0; value < size; value += 1) {
    const [a, b] = [lanes[value] as number, lanes[size + value] as number];
    counts[value] = a + b + (lanes[2 * size + value] as number) + (lanes[3 * size + value] as number);
  }
}

/** A small number for each row, several of them in a word. */
interface Lane {
  readonly words: Int32Array;
  readonly values: Uint8Array | Uint16Array;
}

/**
 * Of each seed, its difference at each row, plus one: 0, 1 or 2. Four rows are added at once, since the sum over the
 * drawn seeds, at most twice their number, does not reach into the next lane.
 */
function lanesOf(pairs: readonly PairedBits[], rows: number): { readonly bySeed: Int32Array[]; empty(): Lane } {
  const Values = 2 * pairs.length < 2 ** 8 ? Uint8Array : Uint16Array;
  const empty = (): Lane => {
    const words = new Int32Array(Math.ceil((rows * Values.BYTES_PER_ELEMENT) / 4));
    return { words, values: new Values(words.buffer) };
  };
  const bySeed = pairs.map(({ first, second }) => {
    const { words, values } = empty();
    for (let row = 0; row < rows; row += 1) values[row] = bit(second, row) - bit(first, row) + 1;
    return words;
  });
  return { bySeed, empty };
}

/** Seeds that were not drawn are left out; the others are added four at a time, so that sums are written less often. */
function addWeighted(sums: Int32Array, bySeed: readonly Int32Array[], weights: Int32Array): void {
  const four: Drawn[] = [];
  sums.fill(0);
  for (let seed = 0; seed < weights.length; seed += 1) {
    if (weights[seed] === 0) continue;
    four.push({ words: bySeed[seed] as Int32Array, times: weights[seed] as number });
    if (four.length < 4) continue;
    addFour(sums, four);
    four.length = 0;
  }
  if (four.length === 0) return;
  while (four.length < 4) four.push({ words: sums, times: 0 });
  addFour(sums, four);
}

interface Drawn {
  readonly words: Int32Array;
  readonly times: number;
}

function addFour(sums: Int32Array, four: readonly Drawn[]): void {
  const [a, b, c, d] = four as [Drawn, Drawn, Drawn, Drawn];
  const [aWords, bWords, cWords, dWords] = [a.words, b.words, c.words, d.words];
  const [aTimes, bTimes, cTimes, dTimes] = [a.times, b.times, c.times, d.times];
  for (let place = 0; place < sums.length; place += 1) {
    sums[place] =
      (sums[place] as number) +
      Math.imul(aWords[place] as number, aTimes) +
      Math.imul(bWords[place] as number, bTimes) +
      Math.imul(cWords[place] as number, cTimes) +
      Math.imul(dWords[place] as number, dTimes);
  }
}

function bit(bits: Uint8Array, row: number): number {
  return ((bits[row >> 3] as number) >> (row & 7)) & 1;
}
