/** Trials that differ in their seed alone, put together. A seed without a result stays visible. */
import type { Failure, TrialSettings, TrialState } from '../core/domain.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import type { TrialRecord } from '../journal/journal.js';
import { foldMeasures, type Measures, type MeasuresOverSeeds, measuresOf } from './measures.js';
import { type MixedEnvironment, mixedEnvironmentOf } from './mixed-environment.js';
import { type TimeSpent, timeSpent } from './time-spent.js';

export type CellSettings = Omit<TrialSettings, 'seed'>;

export interface SeedResult {
  readonly seed: number;
  readonly trialId: string;
  readonly state: TrialState;
  readonly attempts: number;
  /** In [0, 1]; `null` unless the trial succeeded. */
  readonly testAccuracy: number | null;
  /** In [0, 1]; another metric than `testAccuracy`. `null` where the dataset names no allowed answers. */
  readonly choiceAccuracy: number | null;
  readonly selectedStep: number | null;
  readonly seconds: number | null;
  readonly measures: Measures | null;
  /** What it ran on. */
  readonly environment: Readonly<Record<string, string>> | null;
  readonly failure: Failure | null;
}

export interface Cell {
  readonly settings: CellSettings;
  /** In the sweep's order. */
  readonly seeds: readonly SeedResult[];
  readonly accuracy: Sample;
  readonly choiceAccuracy: Sample;
  readonly seconds: Sample;
  readonly measures: MeasuresOverSeeds;
  readonly timeSpent: TimeSpent;
  /** Not empty: its seeds were put together although they ran in different environments, which must be said. */
  readonly mixedEnvironment: MixedEnvironment;
}

/** Equal for settings that differ in nothing but the keys left out. */
export function keyWithout(settings: object, leftOut: readonly string[]): string {
  const kept = Object.entries(settings).filter(([name]) => !leftOut.includes(name));
  return JSON.stringify(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function isPresent<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

/** Cells in the order in which the sweep first names them. */
export function foldCells(records: Iterable<TrialRecord>): readonly Cell[] {
  const groups = new Map<string, { settings: CellSettings; records: TrialRecord[] }>();
  for (const record of records) {
    const { seed: _, ...settings } = record.trial.settings;
    const key = keyWithout(settings, []);
    const group = groups.get(key) ?? { settings, records: [] };
    group.records.push(record);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ settings, records }) => {
    const seeds = records.map(seedResultOf);
    return {
      settings,
      seeds,
      accuracy: sampleOf(seeds.map(({ testAccuracy }) => testAccuracy).filter(isPresent)),
      choiceAccuracy: sampleOf(seeds.map(({ choiceAccuracy }) => choiceAccuracy).filter(isPresent)),
      seconds: sampleOf(seeds.map(({ seconds }) => seconds).filter(isPresent)),
      measures: foldMeasures(seeds.map(({ measures }) => measures).filter(isPresent)),
      timeSpent: timeSpent(records),
      mixedEnvironment: mixedEnvironmentOf(records),
    };
  });
}

function seedResultOf({ trial, state, attempts, result, failure }: TrialRecord): SeedResult {
  return {
    seed: trial.settings.seed,
    trialId: trial.trialId,
    state,
    attempts,
    testAccuracy: result?.testAccuracy ?? null,
    choiceAccuracy: result?.choiceAccuracy ?? null,
    selectedStep: result?.selectedStep ?? null,
    seconds: result?.seconds ?? null,
    measures: result === null ? null : measuresOf(result),
    environment: result?.environment ?? null,
    failure: state === 'succeeded' ? null : failure,
  };
}

/** Seeds of a cell that have no result, and how they stand. */
export function missingSeeds({ seeds }: Cell): readonly SeedResult[] {
  return seeds.filter(({ state }) => state !== 'succeeded');
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
