/** What sweeps declared to compare, and whether they did so before there was anything to see. */

import type { TrialRecord } from '../core/records.js';
import type { DeclaredComparison } from '../core/sweep/compare-section.js';
import type { Cell } from './cells.js';
import type { Comparison, Declaration } from './comparisons.js';
import { pairCells } from './pair-cells.js';

export interface Declared {
  /** Whose files declare comparisons. */
  readonly sweeps: readonly string[];
  /** The size of the family: pairs of cells. */
  readonly comparisons: number;
  /** Trials of these pairs. */
  readonly trials: number;
  /** Of these, those that had ended when their sweep declared its comparisons. */
  readonly endedBefore: number;
  /** Entries that no two cells are compared by, in words. */
  readonly absent: readonly string[];
}

export function declaredOf(
  cells: readonly Cell[],
  comparisons: readonly Comparison[],
  declarations: readonly Declaration[],
  records: readonly TrialRecord[],
): Declared | null {
  const declaring = declarations.filter((each) => each.comparisons.length > 0);
  if (declaring.length === 0) return null;
  const declared = comparisons.filter(({ isDeclared }) => isDeclared);
  const trialIds = new Set(
    declared.flatMap(({ baseline, candidate }) =>
      [baseline, candidate].flatMap(({ seeds }) => seeds.map(({ trialId }) => trialId)),
    ),
  );
  const trials = records.filter(({ trial }) => trialIds.has(trial.trialId));
  const endedBefore = trials.filter(({ trial, endedAtUnixMs }) => {
    const own = declaring.filter(({ has }) => has(trial.trialId));
    // Of a trial in no declaring sweep nobody said anything beforehand.
    const atUnixMs = own.length === 0 ? Infinity : Math.max(...own.map((each) => each.atUnixMs));
    return endedAtUnixMs !== null && endedAtUnixMs < atUnixMs;
  });
  return {
    sweeps: declaring.map(({ sweep }) => sweep),
    comparisons: declared.length,
    trials: trials.length,
    endedBefore: endedBefore.length,
    absent: declaring.flatMap((each) =>
      each.comparisons.filter((entry) => pairCells(cells, entry).length === 0).map(entryText),
    ),
  };
}

/** `lr 0.1 against 0.01 where dataset is cqa or svamp`. */
function entryText({ setting, values, where }: DeclaredComparison): string {
  const conditions = Object.entries(where).map(([name, wanted]) => `${name} is ${wanted.join(' or ')}`);
  const others = values.slice(0, -1).join(' and ');
  return `${setting} ${others} against ${values.at(-1)}${conditions.length === 0 ? '' : ` where ${conditions.join(', ')}`}`;
}
