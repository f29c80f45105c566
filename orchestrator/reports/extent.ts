/** The least and the most of some numbers. Not by spreading them: a sweep may have more trials than a call has arguments. */

/** Of none, `[Infinity, -Infinity]`. */
export function extentOf(values: readonly number[]): readonly [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}
