/** Two models' answers to the same rows: which each got right, a bit a row. */
import { binomialCdf } from './normal.js';

export interface Agreement {
  readonly rows: number;
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/**
 * @param first row i at byte i / 8, bit i % 8; bits behind the last row are 0
 * @throws RangeError if one has fewer bits than rows
 */
export function agreementOf(first: Uint8Array, second: Uint8Array, rows: number): Agreement {
  const bytes = Math.ceil(rows / 8);
  if (first.length < bytes || second.length < bytes) throw new RangeError(`fewer than ${rows} bits`);
  let [both, one, other] = [0, 0, 0];
  for (let place = 0; place < bytes; place += 1) {
    const [a, b] = [first[place] as number, second[place] as number];
    both += ONES[a & b] as number;
    one += ONES[a & ~b & 255] as number;
    other += ONES[b & ~a & 255] as number;
  }
  return { rows, both, onlyFirst: one, onlySecond: other, neither: rows - both - one - other };
}

/** Of each row, over the seeds: how often only the second got it right, less how often only the first did. */
export function rowDifferences(
  seeds: readonly { readonly first: Uint8Array; readonly second: Uint8Array }[],
  rows: number,
): Int32Array {
  const sums = new Int32Array(rows);
  for (const { first, second } of seeds) {
    for (let row = 0; row < rows; row += 1) {
      const [byte, place] = [row >> 3, row & 7];
      sums[row] =
        (sums[row] as number) + (((second[byte] as number) >> place) & 1) - (((first[byte] as number) >> place) & 1);
    }
  }
  return sums;
}

/**
 * McNemar's exact test, two-sided: under chance, a row that only one model got right is as likely to be either's.
 * `null`: there is no such row. Never 0: less than a number can hold is the least that it can.
 *
 * Source: McNemar 1947, Psychometrika 12, 153–157.
 */
export function mcNemarP({ onlyFirst, onlySecond }: Agreement): number | null {
  const n = onlyFirst + onlySecond;
  if (n === 0) return null;
  return Math.min(1, Math.max(Number.MIN_VALUE, 2 * binomialCdf(Math.min(onlyFirst, onlySecond), n, 0.5)));
}
