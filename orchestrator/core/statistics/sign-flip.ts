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

/** Of all signs: a million sums, which take some milliseconds. */
const MOST_EXACT = 20;
const DRAWS = 100_000;

/** The least p that so many differences can have: all of one sign. */
export function leastSignFlipP(n: number): number {
  return n < 1 ? 1 : 2 ** (1 - n);
}

/** `null`: no difference, or none that is not 0. */
export function signFlipTest(differences: readonly number[], random: RandomSource): SignFlip | null {
  // Zeros are zeros under either sign.
  const sizes = differences.filter((each) => each !== 0).map(Math.abs);
  if (sizes.length === 0) return null;
  const observed = Math.abs(differences.reduce((sum, each) => sum + each, 0));
  const total = sizes.reduce((sum, each) => sum + each, 0);
  // Sums of the same numbers in another order differ in their last digits.
  const reached = observed - 1e-12 * total;
  return sizes.length <= MOST_EXACT ? exact(sizes, reached) : drawn(sizes, reached, random);
}

/** Gray code: from one choice of signs to the next, one sign changes. By symmetry the last one stays as it is. */
function exact(sizes: readonly number[], reached: number): SignFlip {
  const signs = sizes.map(() => 1);
  const choices = 2 ** (sizes.length - 1);
  let sum = sizes.reduce((all, each) => all + each, 0);
  let extreme = 0;
  for (let choice = 1; ; choice += 1) {
    if (Math.abs(sum) >= reached) extreme += 1;
    if (choice === choices) break;
    const place = 31 - Math.clz32(choice & -choice);
    signs[place] = -(signs[place] as number);
    sum += 2 * (signs[place] as number) * (sizes[place] as number);
  }
  return { p: extreme / choices, standardError: 0 };
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
