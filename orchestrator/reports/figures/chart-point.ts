/** A point of a chart: the mean of a few accuracies, how sure it is, and each of them. */
import { sampleOf } from '../../core/statistics/sample.js';
import { isAlike, meanInterval, withinShares } from '../../core/statistics/student-t.js';

export interface ChartPoint {
  readonly x: number;
  /** In percent, as all that follow. */
  readonly y: number;
  /** `null`: there is none. */
  readonly low: number | null;
  readonly high: number | null;
  /** All of several values are the same: there is no spread to draw, and none to take an interval from. */
  readonly isAlike: boolean;
  /** Of single seeds. */
  readonly dots: readonly number[];
}

/** @param accuracies in [0, 1], at least one */
export function chartPoint(x: number, accuracies: readonly number[], { hasDots = true } = {}): ChartPoint {
  const sample = sampleOf(accuracies);
  const interval = withinShares(meanInterval(sample));
  return {
    x,
    y: 100 * (sample.mean ?? 0),
    low: interval === null ? null : 100 * interval.low,
    high: interval === null ? null : 100 * interval.high,
    isAlike: isAlike(sample),
    dots: hasDots ? accuracies.map((each) => 100 * each) : [],
  };
}
