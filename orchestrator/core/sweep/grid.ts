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
  const fixed = Object.fromEntries(SETTING_NAMES.map((name) => [name, spec.axes[name][0]]));
  const fastestFirst = SETTING_NAMES.filter((name) => spec.axes[name].length > 1).reverse();
  for (let number = 0; number < Number(count); number += 1) {
    let rest = number;
    const values = { ...fixed };
    for (const name of fastestFirst) {
      const choices = spec.axes[name];
      values[name] = choices[rest % choices.length];
      rest = Math.floor(rest / choices.length);
    }
    // Every setting is there, and each value has passed its own schema.
    const asked = values as unknown as CellSettings;
    if (!spec.exclude.some((condition) => matches(condition, asked))) yield overridden(asked, spec);
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

function matches(condition: Condition, cell: CellSettings): boolean {
  return Object.entries(condition).every(([name, values]) => values.includes(cell[name as SettingName]));
}
