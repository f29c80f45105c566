/** How much data a method needs to be as good as another with all of it. */

export interface CurvePoint {
  /** Of the training split, in (0, 1]. */
  readonly share: number;
  readonly accuracy: number;
}

/** `reached`: the least share with that accuracy. `always`: the smallest share measured is enough. `never`: none is. */
export type Crossing =
  | { readonly kind: 'reached'; readonly share: number }
  | { readonly kind: 'always'; readonly share: number }
  | { readonly kind: 'never' };

/**
 * Between two shares that were measured, accuracy is taken to change in a line with the logarithm of the share. The
 * first share counts from which on the curve does not fall below the accuracy again: a single lucky point is none.
 *
 * @param curve one point a share, in any order; at least one
 */
export function crossingOf(curve: readonly CurvePoint[], accuracy: number): Crossing {
  return crossingOfSorted(
    curve.toSorted((a, b) => a.share - b.share),
    accuracy,
  );
}

/** @param points in the order of their shares */
export function crossingOfSorted(points: readonly CurvePoint[], accuracy: number): Crossing {
  const below = points.findLastIndex((point) => point.accuracy < accuracy);
  if (below === points.length - 1) return { kind: 'never' };
  const above = points[below + 1] as CurvePoint;
  if (below === -1) return { kind: 'always', share: above.share };
  const before = points[below] as CurvePoint;
  const part = (accuracy - before.accuracy) / (above.accuracy - before.accuracy);
  const logShare = Math.log(before.share) + part * (Math.log(above.share) - Math.log(before.share));
  return { kind: 'reached', share: Math.exp(logShare) };
}
