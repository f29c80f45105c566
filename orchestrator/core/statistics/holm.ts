/** p values of a family of comparisons, such that one of them falls below α by chance with probability α at most. */

/** In the order given. Source: Holm 1979, Scand. J. Statistics 6, 65–70. */
export function holm(pValues: readonly number[]): readonly number[] {
  const order = pValues.map((_, place) => place).sort((a, b) => (pValues[a] as number) - (pValues[b] as number));
  const adjusted = new Array<number>(pValues.length).fill(1);
  let most = 0;
  for (const [rank, place] of order.entries()) {
    most = Math.max(most, Math.min(1, (pValues.length - rank) * (pValues[place] as number)));
    adjusted[place] = most;
  }
  return adjusted;
}
