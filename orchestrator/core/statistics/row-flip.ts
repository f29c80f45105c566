/**
 * Whether two methods differ on new test rows, for these trained models: under chance, a row's difference over the seeds
 * is as likely to have the other sign. For one seed this is McNemar's exact test, but for less than 1e-15. Source: as
 * sign-flip.ts.
 */
import { logGamma } from './beta.js';

/**
 * Two-sided, and exact but for what is too unlikely to be kept: that counts as extreme, so that p is never too small, and
 * never 0. `null`: no row makes a difference.
 *
 * @param differences of each row, the sum over the seeds: whole numbers
 */
export function rowFlipP(differences: Iterable<number>): number | null {
  const counts = new Map<number, number>();
  let observed = 0;
  for (const each of differences) {
    observed += each;
    if (each !== 0) counts.set(Math.abs(each), (counts.get(Math.abs(each)) ?? 0) + 1);
  }
  if (counts.size === 0) return null;
  // Rows that differ as much are exchangeable: how many of them keep their sign is binomial.
  let sum: Spread = { first: 0, chances: Float64Array.of(1), cutOff: 0 };
  for (const [size, count] of counts) sum = added(sum, binomial(count), size);
  let p = sum.cutOff;
  for (const [place, chance] of sum.chances.entries()) {
    if (Math.abs(sum.first + place) >= Math.abs(observed)) p += chance;
  }
  return Math.min(1, p);
}

/** Chances of the whole numbers from `first` on. */
interface Spread {
  readonly first: number;
  readonly chances: Float64Array;
  /** The chance of any other. */
  readonly cutOff: number;
}

/** Of the heads minus tails of fair coins, every second whole number. */
interface Coins {
  readonly kept: readonly (readonly [value: number, chance: number])[];
  readonly cutOff: number;
}

/** What is less likely than this is cut off: it adds nothing that a p value shows. */
const NOTHING = 1e-20;

function binomial(count: number): Coins {
  const kept: [number, number][] = [];
  let cutOff = 0;
  for (let heads = 0; heads <= count; heads += 1) {
    const log = logGamma(count + 1) - logGamma(heads + 1) - logGamma(count - heads + 1) - count * Math.LN2;
    const chance = Math.exp(log);
    if (chance > NOTHING) kept.push([2 * heads - count, chance]);
    else cutOff += chance;
  }
  return { kept, cutOff };
}

function added({ first, chances, cutOff }: Spread, coins: Coins, size: number): Spread {
  const reach = size * (coins.kept.at(-1)?.[0] ?? 0);
  const sum = new Float64Array(chances.length + 2 * reach);
  for (const [value, chance] of coins.kept) {
    const shift = size * value + reach;
    for (let place = 0; place < chances.length; place += 1) {
      sum[place + shift] = (sum[place + shift] as number) + (chances[place] as number) * chance;
    }
  }
  const from = sum.findIndex((chance) => chance > NOTHING);
  const to = sum.findLastIndex((chance) => chance > NOTHING);
  return {
    first: first - reach + from,
    chances: sum.slice(from, to + 1),
    cutOff: cutOff + coins.cutOff + total(sum.subarray(0, from)) + total(sum.subarray(to + 1)),
  };
}

function total(chances: Float64Array): number {
  return chances.reduce((sum, chance) => sum + chance, 0);
}
