/** Numbers that others have published, and whether a sweep's cells come to them. */
import type { PublishedNumber } from '../core/published-number.js';
import { type Interval, predictionInterval, withinShares } from '../core/statistics/student-t.js';
import type { Cell } from './cells.js';

export type Verdict =
  | { readonly kind: 'reproduced' | 'above' | 'below'; readonly interval: Interval }
  | { readonly kind: 'not comparable'; readonly reasons: readonly string[] };

export interface PublishedVerdict {
  readonly cell: Cell;
  readonly number: PublishedNumber;
  readonly verdict: Verdict;
}

/** Of each cell, every number of the same model, dataset, method and teacher. */
export function publishedVerdicts(
  cells: readonly Cell[],
  numbers: readonly PublishedNumber[],
): readonly PublishedVerdict[] {
  return cells.flatMap((cell) =>
    numbers
      .filter((number) => isOf(cell, number))
      .map((number) => ({ cell, number, verdict: verdictOf(cell, number) })),
  );
}

function isOf({ settings }: Cell, { dataset, model, method, teacher }: PublishedNumber): boolean {
  return (
    settings.dataset === dataset &&
    settings.model === model &&
    settings.model_type === method &&
    (method === 'standard' || settings.llm === teacher)
  );
}

/**
 * `reproduced`: the number, give or take its own error, lies in the 95 % interval for the mean of as many new seeds as it
 * is the mean of. Another group's runs are no more alike than that.
 */
function verdictOf(cell: Cell, { accuracy, error, runs, settings, split }: PublishedNumber): Verdict {
  const reasons = [
    ...(split === 'test' ? [] : [`it is of the ${split} split, and these of test`]),
    ...Object.entries(settings).flatMap(([name, expected]) => {
      const found = settingIn(cell, name);
      return found === expected ? [] : [`${name} ${found ?? 'none'}, published with ${expected}`];
    }),
  ];
  const interval = withinShares(predictionInterval(cell.accuracy, runs ?? 1));
  if (interval === null) {
    const { n } = cell.accuracy;
    reasons.push(
      n < 2 ? `${n === 0 ? 'no seed has' : 'one seed has'} a result, which gives no interval` : 'all seeds are alike',
    );
  }
  if (interval === null || reasons.length > 0) return { kind: 'not comparable', reasons };
  if (interval.low > accuracy + error) return { kind: 'above', interval };
  return { kind: interval.high < accuracy - error ? 'below' : 'reproduced', interval };
}

function settingIn({ settings }: Cell, name: string): unknown {
  return name === 'batch' ? settings.batch_size * settings.grad_steps : settings[name as keyof typeof settings];
}
