/** Cells that differ in their dataset alone, side by side and averaged: every dataset counts as much, whatever its rows. */
import type { CellSettings } from '../core/records.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import { type Interval, meanInterval, withinShares } from '../core/statistics/student-t.js';
import { idOfKey, keyWithout } from './cell-groups.js';
import { type Cell, isPresent } from './cells.js';
import { grouped } from './grouped.js';

export interface MacroAverage {
  /** Short, and of a report's averages no two the same. */
  readonly id: string;
  readonly settings: Omit<CellSettings, 'dataset'>;
  readonly datasets: readonly string[];
  /** Of each seed that all datasets have a result for, its mean over the datasets. */
  readonly accuracy: Sample;
  readonly interval: Interval | null;
}

export interface AcrossDatasets {
  readonly settings: Omit<CellSettings, 'dataset'>;
  /** As cells have it: datasets that ran on what does not compare are apart. */
  readonly environmentText: string;
  /** By dataset; one that was not trained so is not there. */
  readonly cells: ReadonlyMap<string, Cell>;
  /** `null`: of some dataset there is none. */
  readonly average: MacroAverage | null;
}

/** What a sweep compares, in the tables of the paper too; all else is a matter of how to train. */
const COMPARED: readonly string[] = ['model', 'dataset', 'label_type', 'model_type', 'llm', 'alpha', 'subsample'];

/** In the order of their first cells; none for a single dataset. */
export function acrossDatasets(cells: readonly Cell[]): readonly AcrossDatasets[] {
  const names = [...new Set(cells.map(({ settings }) => settings.dataset))];
  if (names.length < 2) return [];
  const leftOut = ['dataset', ...settingsByDataset(cells).keys()];
  const keyOf = ({ settings, environmentKey }: Cell) => `${keyWithout(settings, leftOut)}${environmentKey}`;
  return grouped(cells, keyOf).map((group) => {
    const { dataset: _, ...settings } = group[0].settings;
    // A cell without results says nothing of where its group ran.
    const done = group.find(({ environment }) => environment !== null) ?? group[0];
    return {
      settings,
      environmentText: done.environmentText,
      cells: new Map(group.map((cell) => [cell.settings.dataset, cell])),
      average: group.length < names.length ? null : averageOf(idOfKey(keyOf(group[0])), group, settings),
    };
  });
}

/** Of several datasets only; one that has no result yet is no reason to average the others under its name. */
export function macroAverages(cells: readonly Cell[]): readonly MacroAverage[] {
  return acrossDatasets(cells)
    .map(({ average }) => average)
    .filter(isPresent);
}

/**
 * Settings that differ between datasets, where each dataset and model has one value: a sweep that trains `anli1` with a
 * smaller batch does not compare batches. With the values of each dataset.
 */
export function settingsByDataset(
  cells: readonly Cell[],
): ReadonlyMap<keyof CellSettings, ReadonlyMap<string, string>> {
  const names = Object.keys(cells[0]?.settings ?? {}) as (keyof CellSettings)[];
  const kinds = grouped(cells, ({ settings }) => JSON.stringify([settings.dataset, settings.model]));
  const valuesIn = (group: readonly Cell[], name: keyof CellSettings) => [
    ...new Set(group.map(({ settings }) => String(settings[name]))),
  ];
  const found = names.filter(
    (name) =>
      !COMPARED.includes(name) &&
      valuesIn(cells, name).length > 1 &&
      kinds.every((group) => valuesIn(group, name).length === 1),
  );
  return new Map(
    found.map((name) => [
      name,
      new Map(
        grouped(cells, ({ settings }) => settings.dataset).map((group) => [
          group[0].settings.dataset,
          valuesIn(group, name).join(' or '),
        ]),
      ),
    ]),
  );
}

function averageOf(id: string, group: readonly [Cell, ...Cell[]], settings: MacroAverage['settings']): MacroAverage {
  const means = group[0].seeds.flatMap(({ seed }) => {
    const values = group.map((cell) => cell.seeds.find((each) => each.seed === seed)?.testAccuracy).filter(isPresent);
    return values.length < group.length ? [] : [values.reduce((sum, value) => sum + value, 0) / values.length];
  });
  const accuracy = sampleOf(means);
  const datasets = group.map((cell) => cell.settings.dataset);
  return { id, settings, datasets, accuracy, interval: withinShares(meanInterval(accuracy)) };
}
