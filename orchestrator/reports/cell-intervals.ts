/** How sure a cell's mean is: by t, and from ten seeds on by the bootstrap too, which assumes no normal distribution. */
import { bootstrapInterval } from '../core/statistics/bootstrap.js';
import { seededRandom } from '../core/statistics/random.js';
import { type Interval, meanInterval, withinShares } from '../core/statistics/student-t.js';
import { type Cell, isPresent } from './cells.js';

export interface CellIntervals {
  /** Cut off at 0 and 1, beyond which no accuracy is. */
  readonly byT: Interval | null;
  readonly byBootstrap: Interval | null;
}

const SEED = 20_232;

/** By the keys of cells. */
export function cellIntervals(cells: readonly Cell[]): ReadonlyMap<string, CellIntervals> {
  return new Map(
    cells.map(({ key, accuracy, seeds }) => {
      const values = seeds.map(({ testAccuracy }) => testAccuracy).filter(isPresent);
      const byT = withinShares(meanInterval(accuracy));
      return [key, { byT, byBootstrap: bootstrapInterval(values, seededRandom(SEED)) }];
    }),
  );
}
