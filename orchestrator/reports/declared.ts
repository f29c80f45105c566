/** What sweeps declared to compare, and whether they did so before there was anything to see. */

import type { TrialRecord } from '../core/records.js';
import type { DeclaredComparison } from '../core/sweep/compare-section.js';
import type { Extension } from '../core/sweep/sweep-history.js';
import type { Cell } from './cells.js';
import type { Comparison, Declaration } from './comparisons.js';
import { counted } from './format.js';
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
  /** How often they gave way to others since, and of the trials those that had ended when they last came back. */
  readonly changes: number;
  readonly endedBeforeBack: number;
  /** Of sweeps of which some trials had ended by then. */
  readonly extensions: readonly (Extension & { readonly sweep: string })[];
  /** False: of some sweep nobody told what stood before, or how it grew. */
  readonly isHistoryKnown: boolean;
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
  const endedBefore = (when: (declaration: Declaration) => number) =>
    trials.filter(({ trial: { trialId }, endedAtUnixMs }) => {
      const own = declaring.filter(({ has }) => has(trialId));
      // Of a trial in no declaring sweep nobody said anything beforehand.
      const atUnixMs = own.length === 0 ? Infinity : Math.max(...own.map(when));
      // One that was run again had a result to be seen before.
      const firsts = own.map(({ history }) => history?.firstEndedUnixMs[trialId] ?? Infinity);
      return Math.min(endedAtUnixMs ?? Infinity, ...firsts) < atUnixMs;
    }).length;
  const changes = declaring.reduce((sum, { history }) => sum + (history?.changed?.times ?? 0), 0);
  return {
    sweeps: declaring.map(({ sweep }) => sweep),
    comparisons: declared.length,
    trials: trials.length,
    endedBefore: endedBefore(({ atUnixMs }) => atUnixMs),
    changes,
    endedBeforeBack:
      changes === 0 ? 0 : endedBefore(({ atUnixMs, history }) => history?.changed?.backAtUnixMs ?? atUnixMs),
    extensions: declaring.flatMap(({ sweep, history }) =>
      (history?.extensions ?? []).map((extension) => ({ ...extension, sweep })),
    ),
    isHistoryKnown: declaring.every(({ history }) => history !== null),
    absent: declaring.flatMap((each) =>
      each.comparisons.filter((entry) => pairCells(cells, entry).length === 0).map(entryText),
    ),
  };
}

/** Behind "declared", in few words. */
export function whenDeclared(declared: Declared): string {
  const { trials, endedBefore, changes, endedBeforeBack, extensions } = declared;
  const first = endedBefore === 0 ? 'before the run' : `when ${allOrSome(endedBefore, trials)} results were there`;
  const isBackLate = changes > 0 && endedBeforeBack > endedBefore;
  return [
    first,
    ...(isBackLate
      ? [`changed since, and declared again when ${allOrSome(endedBeforeBack, trials)} results were there`]
      : []),
    ...(extensions.length > 0 ? ['with trials added after results were there'] : []),
  ].join(', ');
}

function allOrSome(ended: number, trials: number): string {
  return ended === trials ? 'all' : 'some';
}

/** What a reader must know besides of how these comparisons came to stand; sentences, or nothing. */
export function declaredHistoryTexts(declared: Declared): readonly string[] {
  const { sweeps, trials, changes, endedBeforeBack, extensions, isHistoryKnown } = declared;
  const back = endedBeforeBack === 0 ? 'before the run' : `when ${endedOf(endedBeforeBack, trials)} trials had ended`;
  return [
    ...(changes === 0
      ? []
      : [
          `Since then the file declared others, or none, ${changes === 1 ? 'once' : `${changes} times`}; these came back ${back}.`,
        ]),
    ...extensions.map(({ sweep, added, had, ended }) => {
      const which = sweeps.length === 1 ? 'The sweep' : sweep;
      return `${which} was extended by ${counted(added, 'trial')} when ${endedOf(ended, had)} that it had by then had ended; p takes no account of a look in between.`;
    }),
    ...(isHistoryKnown
      ? []
      : [
          'Whether others were declared before, or the sweep was extended after results were there, is told only beside its state folder.',
        ]),
  ];
}

function endedOf(ended: number, trials: number): string {
  return ended === trials
    ? `all ${trials.toLocaleString('en')}`
    : `${ended.toLocaleString('en')} of the ${trials.toLocaleString('en')}`;
}

/** `lr 0.1 against 0.01 where dataset is cqa or svamp`. */
function entryText({ setting, values, where }: DeclaredComparison): string {
  const conditions = Object.entries(where).map(([name, wanted]) => `${name} is ${wanted.join(' or ')}`);
  const others = values.slice(0, -1).join(' and ');
  return `${setting} ${others} against ${values.at(-1)}${conditions.length === 0 ? '' : ` where ${conditions.join(', ')}`}`;
}
