/** Two sweeps side by side: what was changed between them, and what came of it. */
import type { CellSettings, TrialRecord } from '../core/records.js';
import { sampleOf } from '../core/statistics/sample.js';
import { type SweepDifference, sweepDifference } from '../core/sweep/sweep-difference.js';
import { keyWithout } from './cell-groups.js';
import type { Cell } from './cells.js';
import type { BitsOf, SeedDifference } from './comparisons.js';
import { grouped } from './grouped.js';
import { type Compared, type Inference, infer } from './inference.js';
import { type MixedEnvironment, mixedEnvironmentOf } from './mixed-environment.js';
import type { SweepReport } from './sweep-report.js';

export interface SweepSide {
  readonly report: SweepReport;
  readonly records: readonly TrialRecord[];
  readonly bitsOf: BitsOf;
}

/** A part of the environment that is not the same in both. */
export interface EnvironmentChange {
  readonly name: string;
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** A cell of each, with equal settings but for those that were changed as a whole. */
export interface TwinCells {
  readonly first: Cell;
  readonly second: Cell;
  /** The second minus the first, of the seeds that both have. */
  readonly pairs: readonly SeedDifference[];
  /** These very trials are in both sweeps, so that there is nothing to compare. */
  readonly isSame: boolean;
  readonly inference: Inference | null;
}

export interface TwoSweeps {
  readonly first: SweepReport;
  readonly second: SweepReport;
  /** `null`: they have the same trials. */
  readonly difference: SweepDifference | null;
  /** Settings of which no value is in both: what was changed on purpose. */
  readonly changed: readonly (keyof CellSettings)[];
  readonly environment: readonly EnvironmentChange[];
  readonly twins: readonly TwinCells[];
  readonly onlyFirst: readonly Cell[];
  readonly onlySecond: readonly Cell[];
}

export function compareSweeps(first: SweepSide, second: SweepSide): TwoSweeps {
  const [a, b] = [first.report, second.report];
  const changed = changedSettings(a.cells, b.cells);
  const { twins, onlyFirst, onlySecond } = twinsOf(a.cells, b.cells, changed);
  return {
    first: a,
    second: b,
    difference: sweepDifference(comparedTrials(first), comparedTrials(second)),
    changed,
    environment: environmentChanges(first.records, second.records),
    twins: withInference(twins, first.bitsOf, second.bitsOf),
    onlyFirst,
    onlySecond,
  };
}

function comparedTrials({ records }: SweepSide) {
  return records.map(({ trial: { trialId, settings } }) => ({ trialId, settings }));
}

function changedSettings(first: readonly Cell[], second: readonly Cell[]): readonly (keyof CellSettings)[] {
  const names = Object.keys(first[0]?.settings ?? {}) as (keyof CellSettings)[];
  return names.filter((name) => {
    const values = new Set<unknown>(first.map(({ settings }) => settings[name]));
    return !second.some(({ settings }) => values.has(settings[name]));
  });
}

type Twins = Omit<TwinCells, 'inference'>;

/** Where several cells of a sweep are equal but for what was changed, which belongs to which is not known. */
function twinsOf(
  first: readonly Cell[],
  second: readonly Cell[],
  changed: readonly string[],
): { twins: readonly Twins[]; onlyFirst: readonly Cell[]; onlySecond: readonly Cell[] } {
  const keyOf = ({ settings }: Cell) => keyWithout(settings, changed);
  const single = (cells: readonly Cell[]) =>
    new Map(
      grouped(cells, keyOf).flatMap((group) => (group.length === 1 ? [[keyOf(group[0]), group[0]] as const] : [])),
    );
  const [left, right] = [single(first), single(second)];
  const twins = [...left].flatMap(([key, cell]) => {
    const twin = right.get(key);
    return twin === undefined ? [] : [twinOf(cell, twin)];
  });
  const paired = new Set(twins.flatMap((each) => [each.first, each.second]));
  return {
    twins,
    onlyFirst: first.filter((cell) => !paired.has(cell)),
    onlySecond: second.filter((cell) => !paired.has(cell)),
  };
}

function twinOf(first: Cell, second: Cell): Twins {
  const before = new Map(first.seeds.map(({ seed, testAccuracy }) => [seed, testAccuracy]));
  const pairs = second.seeds.flatMap(({ seed, testAccuracy }) => {
    const former = before.get(seed) ?? null;
    return former === null || testAccuracy === null ? [] : [{ seed, difference: testAccuracy - former }];
  });
  const ids = ({ seeds }: Cell) => seeds.map(({ trialId }) => trialId);
  const known = new Set(ids(first));
  return { first, second, pairs, isSame: ids(second).every((trialId) => known.has(trialId)) };
}

function withInference(twins: readonly Twins[], firstBits: BitsOf, secondBits: BitsOf): readonly TwinCells[] {
  const compared = twins.filter(({ isSame }) => !isSame);
  const inferences = infer(compared.map((each) => comparedOf(each, firstBits, secondBits)));
  const byTwin = new Map(compared.map((each, place) => [each, inferences[place] ?? null]));
  return twins.map((each) => ({ ...each, inference: byTwin.get(each) ?? null }));
}

/** What the two sides ran on may be what was changed; within a side it is one, or it would be two cells. */
function comparedOf({ first, second, pairs }: Twins, firstBits: BitsOf, secondBits: BitsOf): Compared {
  const bits = (cell: Cell, seed: number, bitsOf: BitsOf) => {
    const trialId = cell.seeds.find((each) => each.seed === seed)?.trialId;
    return trialId === undefined ? null : bitsOf(trialId);
  };
  return {
    pairs: pairs.map(({ seed, difference }) => ({
      difference,
      baseline: bits(first, seed, firstBits),
      candidate: bits(second, seed, secondBits),
    })),
    difference: sampleOf(pairs.map(({ difference }) => difference)),
    pairedBy: 'seed',
    mixed: {},
  };
}

function environmentChanges(
  first: readonly TrialRecord[],
  second: readonly TrialRecord[],
): readonly EnvironmentChange[] {
  const both: MixedEnvironment = mixedEnvironmentOf([...first, ...second]);
  const valuesIn = (records: readonly TrialRecord[], name: string) => [
    ...new Set(records.flatMap(({ result }) => result?.environment[name] ?? [])),
  ];
  return Object.keys(both)
    .map((name) => ({ name, first: valuesIn(first, name).sort(), second: valuesIn(second, name).sort() }))
    .filter(({ first: a, second: b }) => a.join() !== b.join());
}
