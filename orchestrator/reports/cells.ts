/** Trials that differ in their seed alone, put together. A seed without a result stays visible. */
import type { Failure, TrialSettings, TrialState } from '../core/domain.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import type { TrialRecord } from '../journal/journal.js';

export type CellSettings = Omit<TrialSettings, 'seed'>;

export interface SeedResult {
  readonly seed: number;
  readonly trialId: string;
  readonly state: TrialState;
  readonly attempts: number;
  /** In [0, 1]; `null` unless the trial succeeded. */
  readonly testAccuracy: number | null;
  readonly selectedStep: number | null;
  readonly seconds: number | null;
  readonly failure: Failure | null;
}

export interface Cell {
  readonly settings: CellSettings;
  /** In the sweep's order. */
  readonly seeds: readonly SeedResult[];
  readonly accuracy: Sample;
  readonly seconds: Sample;
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
  const groups = new Map<string, { settings: CellSettings; seeds: SeedResult[] }>();
  for (const record of records) {
    const { seed, ...settings } = record.trial.settings;
    const key = keyWithout(settings, []);
    const group = groups.get(key) ?? { settings, seeds: [] };
    group.seeds.push(seedResultOf(seed, record));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ settings, seeds }) => ({
    settings,
    seeds,
    accuracy: sampleOf(seeds.map(({ testAccuracy }) => testAccuracy).filter(isPresent)),
    seconds: sampleOf(seeds.map(({ seconds }) => seconds).filter(isPresent)),
  }));
}

function seedResultOf(seed: number, { trial, state, attempts, result, failure }: TrialRecord): SeedResult {
  return {
    seed,
    trialId: trial.trialId,
    state,
    attempts,
    testAccuracy: result?.testAccuracy ?? null,
    selectedStep: result?.selectedStep ?? null,
    seconds: result?.seconds ?? null,
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
    new Set(cells.map(({ settings }) => settings[name]).filter(isPresent)).size > 1;
  return [...ALWAYS_SHOWN, ...names.filter((name) => !ALWAYS_SHOWN.some((each) => each === name) && varies(name))];
}
