const FIRST_MS = 1_000;
const MOST_MS = 60_000;

/** Before the next try after so many failures in a row. `chance` in [0, 1): many that failed together come apart. */
export function backoffMs(failures: number, chance: number): number {
  return Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10)) * (0.5 + chance / 2);
}
