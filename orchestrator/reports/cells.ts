/**
 * Trials that differ in their seed alone, put together where they ran on what compares; else they are cells of their own,
 * so that no mean is over two environments. A seed without a result stays visible.
 */
import type { Failure, TrialResult, TrialState } from '../core/domain.js';
import type { Environment } from '../core/environment.js';
import type { CellSettings, TrialRecord } from '../core/records.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import { type CellGroup, groupCells, idOfKey } from './cell-groups.js';
import { foldMeasures, type Measures, type MeasuresOverSeeds, measuresOf } from './measures.js';
import { environmentText, isMixed, mixedEnvironmentOf } from './mixed-environment.js';
import { type TimeSpent, timeSpent } from './time-spent.js';

export interface SeedResult {
  readonly seed: number;
  readonly trialId: string;
  readonly state: TrialState;
  readonly attempts: number;
  /** In [0, 1]; `null` unless the trial succeeded, and measured a number. */
  readonly testAccuracy: number | null;
  /** In [0, 1]; another metric than `testAccuracy`. `null` where the dataset names no allowed answers. */
  readonly choiceAccuracy: number | null;
  readonly selectedStep: number | null;
  readonly seconds: number | null;
  readonly measures: Measures | null;
  /** What it ran on. */
  readonly environment: Environment | null;
  readonly failure: Failure | null;
}

export interface Cell {
  /** Equal for cells of equal settings on what compares. */
  readonly key: string;
  /** A short name for the key. */
  readonly id: string;
  readonly settings: CellSettings;
  /** In the sweep's order. */
  readonly seeds: readonly SeedResult[];
  readonly accuracy: Sample;
  readonly choiceAccuracy: Sample;
  readonly seconds: Sample;
  readonly measures: MeasuresOverSeeds;
  readonly timeSpent: TimeSpent;
  /** Equal for cells whose results compare. One without results has that of most of its sweep. */
  readonly environmentKey: string;
  /** What its results ran on, of what can change a number; `null`: it has none. */
  readonly environment: Environment | null;
  /** What tells its environment from others of the sweep; empty where all trials ran on the same. */
  readonly environmentText: string;
}

export function isPresent<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

/** Cells in the order in which the sweep first names them; of those that are apart, the one with most results first. */
export function foldCells(records: readonly TrialRecord[]): readonly Cell[] {
  const mixed = mixedEnvironmentOf(records);
  const textOf = (environment: Environment | null) =>
    environment === null ? '–' : environmentText(environment, mixed);
  return groupCells(records).map((group) => cellOf(group, isMixed(mixed) ? textOf(group.environment) : ''));
}

function cellOf({ key, records, environmentKey, environment }: CellGroup, text: string): Cell {
  const { seed: _, ...settings } = records[0].trial.settings;
  const seeds = records.map(seedResultOf);
  return {
    key,
    id: idOfKey(key),
    settings,
    seeds,
    accuracy: sampleOf(seeds.map(({ testAccuracy }) => testAccuracy).filter(isPresent)),
    choiceAccuracy: sampleOf(seeds.map(({ choiceAccuracy }) => choiceAccuracy).filter(isPresent)),
    seconds: sampleOf(seeds.map(({ seconds }) => seconds).filter(isPresent)),
    measures: foldMeasures(seeds.map(({ measures }) => measures).filter(isPresent)),
    timeSpent: timeSpent(records),
    environmentKey,
    environment,
    environmentText: text,
  };
}

function seedResultOf({ trial, state, attempts, result, failure }: TrialRecord): SeedResult {
  return {
    seed: trial.settings.seed,
    trialId: trial.trialId,
    state,
    attempts,
    testAccuracy: testAccuracyOf(result),
    choiceAccuracy: finite(result?.choiceAccuracy),
    selectedStep: result?.selectedStep ?? null,
    seconds: result?.seconds ?? null,
    measures: result === null ? null : measuresOf(result),
    environment: result?.environment ?? null,
    failure: state === 'succeeded' ? null : failure,
  };
}

/** One that is no number would make the mean of its cell none either; it is missing, and said to be. */
export function testAccuracyOf(result: TrialResult | null): number | null {
  return finite(result?.testAccuracy);
}

function finite(value: number | null | undefined): number | null {
  return isPresent(value) && Number.isFinite(value) ? value : null;
}

/** Seeds of a cell that have no result, and how they stand. */
export function missingSeeds({ seeds }: Cell): readonly SeedResult[] {
  return seeds.filter(({ testAccuracy }) => testAccuracy === null);
}

const ALWAYS_SHOWN = ['model', 'dataset', 'label_type', 'model_type'] as const;

/** Settings worth a column: those that name a cell, and the others that differ within the sweep. */
export function shownSettings(cells: readonly Cell[]): readonly (keyof CellSettings)[] {
  const names = Object.keys(cells[0]?.settings ?? {}) as (keyof CellSettings)[];
  const varies = (name: keyof CellSettings) =>
    new Set(cells.filter(({ settings }) => isChosen(settings, name)).map(({ settings }) => settings[name])).size > 1;
  return [...ALWAYS_SHOWN, ...names.filter((name) => !ALWAYS_SHOWN.some((each) => each === name) && varies(name))];
}

/** Not what a rule sets, nor what has no meaning for a method. */
function isChosen(settings: CellSettings, name: keyof CellSettings): boolean {
  return settings[name] !== null && !(name === 'gen_max_len' && settings.model_type === 'single_task');
}
