/** Mean and spread of a few measured values. */

export interface Sample {
  readonly n: number;
  /** `null` without values. */
  readonly mean: number | null;
  /** Sample standard deviation (n − 1 below the line); `null` for fewer than two values. */
  readonly sd: number | null;
}

/** Two passes, since seeds of one cell often differ only in the third digit. */
export function sampleOf(values: readonly number[]): Sample {
  const n = values.length;
  if (n === 0) return { n, mean: null, sd: null };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, sd: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, sd: Math.sqrt(squares / (n - 1)) };
}
