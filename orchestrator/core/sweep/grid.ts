/** Spec → cells: counted before they are expanded, then one at a time, in a stable order. */
import { SweepError } from '../errors.js';
import { type CellSettings, SETTING_NAMES, type SettingName } from './settings.js';
import type { Condition } from './spec-values.js';
import type { SweepSpec } from './sweep-spec.js';

const MAX_CELLS = 1_000_000n;

/** A change of one setting on the way from what was asked to what is trained. */
export interface AppliedRule {
  readonly setting: SettingName;
  /** In words, for `--explain`. */
  readonly rule: string;
}

export interface Cell {
  /** As the grid and `train` say. */
  readonly asked: CellSettings;
  /** After the overrides. */
  readonly settings: CellSettings;
  readonly applied: readonly AppliedRule[];
}

/** The product of the axes, before anything is excluded; a bigint, since short files can ask for more than 2^53. */
export function countCells({ axes }: SweepSpec): bigint {
  return SETTING_NAMES.reduce((product, name) => product * BigInt(axes[name].length), 1n);
}

/**
 * Every cell that is not excluded. Axes vary in the order of SETTING_NAMES, the seed fastest, and each takes its
 * values in the file's order; the order of keys in the file is of no account.
 *
 * @throws SweepError GRID_TOO_LARGE
 */
export function* expandGrid(spec: SweepSpec): Generator<Cell, void, undefined> {
  const count = countCells(spec);
  if (count > MAX_CELLS) {
    throw new SweepError(
      'GRID_TOO_LARGE',
      `the grid of ${spec.sweep} has ${count.toLocaleString('en')} cells; at most ${MAX_CELLS.toLocaleString('en')} are planned`,
      { hint: 'shorten an axis, or split the file into several sweeps' },
    );
  }
  for (const asked of productOf(spec)) {
    if (!spec.exclude.some((condition) => matches(condition, asked))) yield overridden(asked, spec);
  }
}

/**
 * Overrides that exclusions leave no cell, and exclusions that take out none that those before have not: the paths of
 * their conditions. Each matches some cell of the product, since every value of a condition is on an axis.
 */
export function idleConditions(spec: SweepSpec): readonly (readonly (string | number)[])[] {
  const { overrides, exclude } = spec;
  if (exclude.length === 0 || countCells(spec) > MAX_CELLS) return [];
  const idle = new Map<Condition, readonly (string | number)[]>([
    ...overrides.map(({ when }, place) => [when, ['overrides', place, 'when']] as const),
    ...exclude.map((condition, place) => [condition, ['exclude', place]] as const),
  ]);
  for (const asked of productOf(spec)) {
    const excluding = exclude.find((condition) => matches(condition, asked));
    const active = excluding === undefined ? overrides.map(({ when }) => when) : [excluding];
    for (const condition of active) if (matches(condition, asked)) idle.delete(condition);
    if (idle.size === 0) break;
  }
  return [...idle.values()];
}

function* productOf(spec: SweepSpec): Generator<CellSettings, void, undefined> {
  const count = Number(countCells(spec));
  const fixed = Object.fromEntries(SETTING_NAMES.map((name) => [name, spec.axes[name][0]]));
  const fastestFirst = SETTING_NAMES.filter((name) => spec.axes[name].length > 1).reverse();
  for (let number = 0; number < count; number += 1) {
    let rest = number;
    const values = { ...fixed };
    for (const name of fastestFirst) {
      const choices = spec.axes[name];
      values[name] = choices[rest % choices.length];
      rest = Math.floor(rest / choices.length);
    }
    // Every setting is there, and each value has passed its own schema.
    yield values as unknown as CellSettings;
  }
}

/** Conditions look at the cell as asked, so that no override hides a cell from another. Later overrides win. */
function overridden(asked: CellSettings, { overrides }: SweepSpec): Cell {
  let settings = asked;
  const applied: AppliedRule[] = [];
  for (const [index, { when, set }] of overrides.entries()) {
    if (!matches(when, asked)) continue;
    settings = { ...settings, ...set };
    for (const name of Object.keys(set) as SettingName[]) {
      applied.push({ setting: name, rule: `overrides[${index}] sets ${name}` });
    }
  }
  return { asked, settings, applied };
}

export function matches(condition: Condition, cell: CellSettings): boolean {
  return Object.entries(condition).every(([name, values]) => values.includes(cell[name as SettingName]));
}
