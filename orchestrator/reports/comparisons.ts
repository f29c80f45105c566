/** Cells beside others where all else is equal, seed by seed: what a sweep declared, and the methods wherever they are. */

import { type Sample, sampleOf } from '../core/statistics/sample.js';
import type { ComparedSetting, DeclaredComparison, PairedBy } from '../core/sweep/compare-section.js';
import type { SweepHistory } from '../core/sweep/sweep-history.js';
import type { Cell } from './cells.js';
import { type Compared, type Inference, infer, type TestBits } from './inference.js';
import { isMixed, type MixedEnvironment, mixedOf } from './mixed-environment.js';
import { type CellPair, pairCells } from './pair-cells.js';

export interface SeedDifference {
  readonly seed: number;
  /** The candidate minus the baseline, in accuracy. */
  readonly difference: number;
}

export interface Comparison {
  /** By which the two differ. */
  readonly setting: ComparedSetting;
  readonly pairedBy: PairedBy;
  /** By its sweep's file. All others are exploratory. */
  readonly isDeclared: boolean;
  /** What the candidate is held against. */
  readonly baseline: Cell;
  readonly candidate: Cell;
  /** Over the seeds that both have a result for; none where the two ran on what does not compare. */
  readonly difference: Sample;
  readonly pairs: readonly SeedDifference[];
  /** Seeds that are in no pair. */
  readonly unpaired: readonly number[];
  readonly inference: Inference;
}

/** `null`: not known. */
export type BitsOf = (trialId: string) => TestBits | null;

/** What a sweep's file says that it is about. */
export interface Declaration {
  readonly sweep: string;
  readonly comparisons: readonly DeclaredComparison[];
  /** When exactly these stood for the first time, as far as is known. */
  readonly atUnixMs: number;
  /** Absent or `null`: nobody told. */
  readonly history?: SweepHistory | null;
  /** Whether a trial is one of the sweep's. */
  readonly has: (trialId: string) => boolean;
}

/** Compared whether or not anybody declared it. */
const METHODS_COMPARED: DeclaredComparison = {
  setting: 'model_type',
  values: ['task_prefix', 'single_task', 'standard'],
  where: {},
  pairedBy: 'seed',
};

/** Those that were declared are one family, whatever became of them; what else there is is another. */
export function compareCells(
  cells: readonly Cell[],
  { bitsOf = () => null, declarations = [] }: { bitsOf?: BitsOf; declarations?: readonly Declaration[] } = {},
): readonly Comparison[] {
  const declared = declaredPairs(cells, declarations);
  const known = new Set(declared.map(keyOf));
  const methods = pairCells(cells, METHODS_COMPARED).filter((pair) => !known.has(keyOf(pair)));
  return [...inferred(declared, { isDeclared: true, bitsOf }), ...inferred(methods, { isDeclared: false, bitsOf })];
}

function declaredPairs(cells: readonly Cell[], declarations: readonly Declaration[]): readonly CellPair[] {
  const found = new Map<string, CellPair>();
  for (const { comparisons, has } of declarations) {
    const own = cells.filter(({ seeds }) => seeds.some(({ trialId }) => has(trialId)));
    for (const pair of comparisons.flatMap((comparison) => pairCells(own, comparison))) {
      // Entries may overlap; what is declared twice is one comparison.
      if (!found.has(keyOf(pair))) found.set(keyOf(pair), pair);
    }
  }
  return [...found.values()];
}

function keyOf({ baseline, candidate }: CellPair): string {
  return `${candidate.key}\0${baseline.key}`;
}

function inferred(
  pairs: readonly CellPair[],
  { isDeclared, bitsOf }: { isDeclared: boolean; bitsOf: BitsOf },
): readonly Comparison[] {
  const found = pairs.map((pair) => ({ ...paired(pair), isDeclared }));
  const inferences = infer(
    found.map((comparison) => comparedOf(comparison, bitsOf)),
    { isWholeFamily: isDeclared },
  );
  return found.map((comparison, place) => ({ ...comparison, inference: inferences[place] as Inference }));
}

type Paired = Omit<Comparison, 'inference' | 'isDeclared'>;

function comparedOf({ baseline, candidate, difference, pairs, pairedBy }: Paired, bitsOf: BitsOf): Compared {
  const bits = (cell: Cell, wanted: number) => {
    const trialId = cell.seeds.find(({ seed, testAccuracy }) => seed === wanted && testAccuracy !== null)?.trialId;
    return trialId === undefined ? null : bitsOf(trialId);
  };
  return {
    difference,
    pairedBy,
    pairs: pairs.map((pair) => ({
      difference: pair.difference,
      baseline: bits(baseline, pair.seed),
      candidate: bits(candidate, pair.seed),
    })),
    mixed: mixedCells(baseline, candidate),
  };
}

/** All results of a cell ran on what compares. */
function mixedCells(baseline: Cell, candidate: Cell): MixedEnvironment {
  return mixedOf([baseline, candidate].flatMap(({ environment }) => (environment === null ? [] : [environment])));
}

function paired({ comparison, baseline, candidate }: CellPair): Paired {
  const { setting, pairedBy } = comparison;
  const [before, after] = [accuracyBySeed(baseline), accuracyBySeed(candidate)];
  const seeds = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  const isMixedPair = isMixed(mixedCells(baseline, candidate));
  const pairs: SeedDifference[] = [];
  const unpaired: number[] = [];
  for (const seed of seeds) {
    const [left, right] = [before.get(seed), after.get(seed)];
    if (isMixedPair || left === undefined || right === undefined) unpaired.push(seed);
    else pairs.push({ seed, difference: right - left });
  }
  const difference = sampleOf(pairs.map((pair) => pair.difference));
  return { setting, pairedBy, baseline, candidate, difference, pairs, unpaired };
}

/** Over the seeds that are in pairs, so that the difference is that of the two; over all, where no pair is. */
export function accuracyInPairs(cell: Cell, pairs: readonly SeedDifference[]): Sample {
  const paired = new Set(pairs.map(({ seed }) => seed));
  if (paired.size === 0) return cell.accuracy;
  return sampleOf([...accuracyBySeed(cell)].flatMap(([seed, accuracy]) => (paired.has(seed) ? [accuracy] : [])));
}

function accuracyBySeed({ seeds }: Cell): ReadonlyMap<number, number> {
  return new Map(seeds.flatMap(({ seed, testAccuracy }) => (testAccuracy === null ? [] : [[seed, testAccuracy]])));
}
