/** Cells that differ in one setting alone, and in what has no meaning for one of the two. */
import type { CellSettings } from '../core/records.js';
import type { DeclaredComparison } from '../core/sweep/compare-section.js';
import { keyOfCell, keyWithout } from './cell-groups.js';
import type { Cell } from './cells.js';
import { grouped } from './grouped.js';

export interface CellPair {
  readonly comparison: DeclaredComparison;
  readonly candidate: Cell;
  /** What it is held against. */
  readonly baseline: Cell;
}

/** Where a trial reads none of what they say, they are null. */
const MEANINGLESS = ['alpha', 'llm', 'lora_rank', 'lora_alpha'] as const;

/** In the order of the candidates. */
export function pairCells(cells: readonly Cell[], comparison: DeclaredComparison): readonly CellPair[] {
  const { setting, values, where } = comparison;
  const among = cells.filter(({ settings }) => isAmong(settings, where));
  const last = values.at(-1);
  const isOf = ({ settings }: Cell, value: unknown) => saidAs(settings[setting]) === saidAs(value);
  const baselines = new Map<string, Cell[]>();
  for (const cell of among) {
    if (!isOf(cell, last)) continue;
    const key = keyOf(cell, setting);
    baselines.set(key, [...(baselines.get(key) ?? []), cell]);
  }
  const others = values.slice(0, -1);
  return among
    .filter((cell) => others.some((value) => isOf(cell, value)))
    .flatMap((candidate) => {
      const alike = (baselines.get(keyOf(candidate, setting)) ?? []).filter((baseline) =>
        areAlike(candidate.settings, baseline.settings, setting),
      );
      const ofOneKind = grouped(alike, ({ settings }) => keyOfCell(settings));
      return ofOneKind.map((group) => ({ comparison, candidate, baseline: comparableOf(group, candidate) }));
    });
}

/** The one that ran on what the candidate ran on. Without one, another stands for it: that the two do not compare is said. */
function comparableOf(baselines: readonly [Cell, ...Cell[]], { environmentKey }: Cell): Cell {
  return baselines.find((baseline) => baseline.environmentKey === environmentKey) ?? baselines[0];
}

/** As a sweep file says that no teacher is read. */
function saidAs(value: unknown): unknown {
  return value === null ? 'none' : value;
}

function isAmong(settings: CellSettings, where: DeclaredComparison['where']): boolean {
  return Object.entries(where).every(([name, wanted]) => {
    const value = settings[name as keyof CellSettings];
    return value === null || wanted.some((each) => each === value);
  });
}

/** What must be equal at least; the length of what `single_task` generates, a rationale and a label, is set by a rule. */
function keyOf({ settings }: Cell, setting: string): string {
  return keyWithout(settings, [setting, 'gen_max_len', ...MEANINGLESS]);
}

function areAlike(a: CellSettings, b: CellSettings, setting: string): boolean {
  const isFree = setting === 'gen_max_len' || a.model_type === 'single_task' || b.model_type === 'single_task';
  if (!isFree && a.gen_max_len !== b.gen_max_len) return false;
  return MEANINGLESS.every((name) => name === setting || a[name] === null || b[name] === null || a[name] === b[name]);
}
