/** Step-by-step beside standard training where all else is equal, seed by seed. */
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import { type Cell, keyWithout } from './cells.js';

export interface SeedDifference {
  readonly seed: number;
  /** Step-by-step minus standard, in accuracy. */
  readonly difference: number;
}

export interface Comparison {
  readonly standard: Cell;
  readonly stepByStep: Cell;
  /** Over the seeds that both have a result for. */
  readonly difference: Sample;
  readonly pairs: readonly SeedDifference[];
  /** Seeds that only one of the two has a result for. */
  readonly unpaired: readonly number[];
}

/** What may differ: `standard` has no alpha, and reads no teacher when its labels are gold. */
const FREE = ['model_type', 'alpha', 'llm'];

export function compareMethods(cells: readonly Cell[]): readonly Comparison[] {
  const standards = new Map<string, Cell[]>();
  for (const cell of cells) {
    if (cell.settings.model_type !== 'standard') continue;
    const key = keyWithout(cell.settings, FREE);
    standards.set(key, [...(standards.get(key) ?? []), cell]);
  }
  return cells
    .filter(({ settings }) => settings.model_type === 'task_prefix')
    .flatMap((stepByStep) =>
      (standards.get(keyWithout(stepByStep.settings, FREE)) ?? [])
        .filter(({ settings }) => settings.llm === null || settings.llm === stepByStep.settings.llm)
        .map((standard) => compare(standard, stepByStep)),
    );
}

function compare(standard: Cell, stepByStep: Cell): Comparison {
  const [before, after] = [accuracyBySeed(standard), accuracyBySeed(stepByStep)];
  const seeds = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  const pairs: SeedDifference[] = [];
  const unpaired: number[] = [];
  for (const seed of seeds) {
    const [left, right] = [before.get(seed), after.get(seed)];
    if (left === undefined || right === undefined) unpaired.push(seed);
    else pairs.push({ seed, difference: right - left });
  }
  return { standard, stepByStep, difference: sampleOf(pairs.map(({ difference }) => difference)), pairs, unpaired };
}

function accuracyBySeed({ seeds }: Cell): ReadonlyMap<number, number> {
  return new Map(seeds.flatMap(({ seed, testAccuracy }) => (testAccuracy === null ? [] : [[seed, testAccuracy]])));
}
