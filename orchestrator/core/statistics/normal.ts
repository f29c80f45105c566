/** The standard normal distribution. */
import { regularizedBeta } from './beta.js';

/** P(Z ≤ z), to about 1e-13. */
export function normalCdf(z: number): number {
  if (z === 0) return 0.5;
  const tail = z * z < 1.5 * 1.5 ? 0.5 - series(Math.abs(z)) : continuedTail(Math.abs(z));
  return z > 0 ? 1 - tail : tail;
}

/** P(0 ≤ Z ≤ z) by its power series; for small z. Source: Abramowitz and Stegun 1964, 26.2.11. */
function series(z: number): number {
  let [term, sum] = [z, z];
  for (let k = 1; Math.abs(term) > 1e-17 * sum; k += 1) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return sum * density(z);
}

/** P(Z ≥ z) by its continued fraction; for large z. Source: Abramowitz and Stegun 1964, 26.2.14. */
function continuedTail(z: number): number {
  let below = z;
  for (let k = 160; k >= 1; k -= 1) below = z + k / below;
  return density(z) / below;
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/** The z with P(Z ≤ z) = p. @param p in (0, 1) */
export function normalQuantile(p: number): number {
  let [low, high] = [-40, 40];
  for (let step = 0; step < 200 && high - low > 1e-14; step += 1) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(X ≤ k) of successes in n independent trials. */
export function binomialCdf(k: number, n: number, p: number): number {
  if (k < 0) return 0;
  return k >= n ? 1 : regularizedBeta(n - k, k + 1, 1 - p);
}
