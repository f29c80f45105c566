/** The methods that learn from rationales beside standard training where all else is equal, seed by seed. */
import type { ModelType } from '../core/domain.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import { type Cell, keyWithout } from './cells.js';
import { type Compared, type Inference, infer, type TestBits } from './inference.js';
import { mixedOf } from './mixed-environment.js';

export interface SeedDifference {
  readonly seed: number;
  /** The method minus standard, in accuracy. */
  readonly difference: number;
}

export interface Comparison {
  readonly standard: Cell;
  readonly method: Cell;
  /** Over the seeds that both have a result for. */
  readonly difference: Sample;
  readonly pairs: readonly SeedDifference[];
  /** Seeds that only one of the two has a result for. */
  readonly unpaired: readonly number[];
  readonly inference: Inference;
}

/** `null`: not known. */
export type BitsOf = (trialId: string) => TestBits | null;

/**
 * What may differ: `standard` has no alpha, and reads no teacher when its labels are gold. The length of what
 * `single_task` generates, a rationale and a label, is set by a rule.
 */
const FREE: Readonly<Record<Exclude<ModelType, 'standard'>, readonly string[]>> = {
  task_prefix: ['model_type', 'alpha', 'llm'],
  single_task: ['model_type', 'alpha', 'llm', 'gen_max_len'],
};

/** All of them are one family: what is said of one is said in view of the others. */
export function compareMethods(cells: readonly Cell[], bitsOf: BitsOf = () => null): readonly Comparison[] {
  const standards = cells.filter(({ settings }) => settings.model_type === 'standard');
  const byKey = {
    task_prefix: byKeyWithout(FREE.task_prefix, standards),
    single_task: byKeyWithout(FREE.single_task, standards),
  };
  const found = cells.flatMap((method) => {
    const { model_type, llm } = method.settings;
    if (model_type === 'standard') return [];
    const equal = byKey[model_type].get(keyWithout(method.settings, FREE[model_type])) ?? [];
    return equal
      .filter(({ settings }) => settings.llm === null || settings.llm === llm)
      .map((standard) => compare(standard, method));
  });
  const inferences = infer(found.map((comparison) => comparedOf(comparison, bitsOf)));
  return found.map((comparison, place) => ({ ...comparison, inference: inferences[place] as Inference }));
}

function comparedOf({ standard, method, difference, pairs }: Paired, bitsOf: BitsOf): Compared {
  const bits = (cell: Cell, wanted: number) => {
    const trialId = cell.seeds.find(({ seed, testAccuracy }) => seed === wanted && testAccuracy !== null)?.trialId;
    return trialId === undefined ? null : bitsOf(trialId);
  };
  return {
    difference,
    pairs: pairs.map((pair) => ({
      difference: pair.difference,
      standard: bits(standard, pair.seed),
      method: bits(method, pair.seed),
    })),
    mixed: mixedOf(
      [standard, method].flatMap(({ seeds }) =>
        seeds.flatMap(({ environment }) => (environment === null ? [] : [environment])),
      ),
    ),
  };
}

function byKeyWithout(leftOut: readonly string[], cells: readonly Cell[]): ReadonlyMap<string, readonly Cell[]> {
  const found = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = keyWithout(cell.settings, leftOut);
    found.set(key, [...(found.get(key) ?? []), cell]);
  }
  return found;
}

type Paired = Omit<Comparison, 'inference'>;

function compare(standard: Cell, method: Cell): Paired {
  const [before, after] = [accuracyBySeed(standard), accuracyBySeed(method)];
  const seeds = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  const pairs: SeedDifference[] = [];
  const unpaired: number[] = [];
  for (const seed of seeds) {
    const [left, right] = [before.get(seed), after.get(seed)];
    if (left === undefined || right === undefined) unpaired.push(seed);
    else pairs.push({ seed, difference: right - left });
  }
  return { standard, method, difference: sampleOf(pairs.map(({ difference }) => difference)), pairs, unpaired };
}

function accuracyBySeed({ seeds }: Cell): ReadonlyMap<number, number> {
  return new Map(seeds.flatMap(({ seed, testAccuracy }) => (testAccuracy === null ? [] : [[seed, testAccuracy]])));
}
