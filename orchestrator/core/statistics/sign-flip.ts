/**
 * Whether paired differences are more than chance, with nothing assumed but that under chance each is as likely to have
 * the other sign. Source: Fisher 1935, The Design of Experiments, section 21.
 */
import type { RandomSource } from './random.js';

export interface SignFlip {
  /** Two-sided. */
  readonly p: number;
  /** All signs were tried; else so many at random, and p is at most about two of these from what all would give. */
  readonly standardError: number;
}

/** Of all signs: a million choices, by way of two thousand sums. */
const MOST_EXACT = 20;
const DRAWS = 100_000;

/** The least p that so many differences can have: all of one sign. */
export function leastSignFlipP(n: number): number {
  return n < 1 ? 1 : 2 ** (1 - n);
}

/**
 * `null`: no difference, or none that is not 0.
 *
 * @throws RangeError if one is no finite number: no sum would reach theirs, which looks as sure as can be
 */
export function signFlipTest(differences: readonly number[], random: RandomSource): SignFlip | null {
  const odd = differences.find((each) => !Number.isFinite(each));
  if (odd !== undefined) throw new RangeError(`differences must be finite numbers, and one is ${odd}`);
  // Zeros are zeros under either sign.
  const sizes = differences.filter((each) => each !== 0).map(Math.abs);
  if (sizes.length === 0) return null;
  const observed = Math.abs(differences.reduce((sum, each) => sum + each, 0));
  const total = sizes.reduce((sum, each) => sum + each, 0);
  // Sums of the same numbers in another order differ in their last digits.
  const reached = observed - 1e-12 * total;
  return sizes.length <= MOST_EXACT ? exact(sizes, reached) : drawn(sizes, reached, random);
}

/**
 * By halves: a sum of all is one of the first half's and one of the second's, and how many of these sorted sums are large
 * enough together is counted in one walk. By symmetry as many are as small.
 */
function exact(sizes: readonly number[], reached: number): SignFlip {
  if (reached <= 0) return { p: 1, standardError: 0 };
  const middle = Math.floor(sizes.length / 2);
  const [first, second] = [sumsOf(sizes.slice(0, middle)), sumsOf(sizes.slice(middle))];
  let large = 0;
  let place = second.length;
  for (const sum of first) {
    while (place > 0 && sum + (second[place - 1] as number) >= reached) place -= 1;
    large += second.length - place;
  }
  return { p: (2 * large) / 2 ** sizes.length, standardError: 0 };
}

/** Under every choice of signs, in order. */
function sumsOf(sizes: readonly number[]): Float64Array {
  let sums = Float64Array.of(0);
  for (const size of sizes) {
    const next = new Float64Array(2 * sums.length);
    for (const [place, sum] of sums.entries()) {
      next[place] = sum - size;
      next[place + sums.length] = sum + size;
    }
    sums = next;
  }
  return sums.sort();
}

function drawn(sizes: readonly number[], reached: number, random: RandomSource): SignFlip {
  let extreme = 0;
  for (let draw = 0; draw < DRAWS; draw += 1) {
    let sum = 0;
    for (const size of sizes) sum += random.below(2) === 0 ? size : -size;
    if (Math.abs(sum) >= reached) extreme += 1;
  }
  // With the observed signs among the draws, p is never 0.
  const p = (extreme + 1) / (DRAWS + 1);
  return { p, standardError: Math.sqrt((p * (1 - p)) / DRAWS) };
}
