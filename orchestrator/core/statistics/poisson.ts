/** Poisson-distributed random numbers. */
import { logGamma } from './beta.js';
import type { RandomSource } from './random.js';

/**
 * For a mean of at least 10 by transformed rejection, for a smaller one by multiplication.
 *
 * Source: Hörmann 1993, Insurance: Mathematics and Economics 12, 39–45, algorithm PTRS.
 */
export function poisson(mean: number, random: RandomSource): number {
  return mean < 10 ? byMultiplication(mean, random) : byRejection(mean, random);
}

function byMultiplication(mean: number, random: RandomSource): number {
  const end = Math.exp(-mean);
  let count = 0;
  for (let product = random.unit(); product > end; product *= random.unit()) count += 1;
  return count;
}

function byRejection(mean: number, random: RandomSource): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const quick = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = random.unit() - 0.5;
    const v = random.unit();
    const distance = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / distance + b) * u + mean + 0.43);
    if (distance >= 0.07 && v <= quick) return count;
    if (count < 0 || (distance < 0.013 && v > distance)) continue;
    const accepted = Math.log((v * inverseAlpha) / (a / (distance * distance) + b));
    if (accepted <= count * Math.log(mean) - mean - logGamma(count + 1)) return count;
  }
}
