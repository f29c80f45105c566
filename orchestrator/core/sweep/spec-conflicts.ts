/** What has two meanings in a sweep file, or says a thing twice. On the value as written, so that nothing hides it. */
import { TRAIN_NAMES } from './settings.js';
import { type SpecIssue, shown } from './spec-error.js';

type Mapping = Readonly<Record<string, unknown>>;

export const TRAIN_KEYS: readonly string[] = [...TRAIN_NAMES, 'bf16'];

export function conflictsOf(value: unknown): readonly SpecIssue[] {
  const [grid, trained] = [mappingAt(value, 'grid'), mappingAt(value, 'train')];
  const overrides: unknown = (value as Mapping | null | undefined)?.['overrides'];
  const sets = Array.isArray(overrides)
    ? overrides.map((each, index) => [['overrides', index, 'set'], mappingAt(each, 'set')] as const)
    : [];
  const twice = [[['grid'], grid], [['train'], trained], ...sets] as const;
  return [
    ...twice
      .filter(([, settings]) => 'bf16' in settings && 'precision' in settings)
      .map(([path]) => conflict([...path, 'bf16'], 'bf16 and precision say the same')),
    ...Object.keys(trained)
      .filter((key) => key in grid && TRAIN_KEYS.includes(key))
      .map((key) => conflict(['train', key], 'it is an axis of the grid already')),
    ...(['bf16', 'precision'] as const)
      .filter((key) => key in trained && (key === 'bf16' ? 'precision' : 'bf16') in grid)
      .map((key) => conflict(['train', key], 'the grid has an axis for the precision already')),
    ...loneSeed(grid['seeds']),
  ];
}

function mappingAt(each: unknown, key: string): Mapping {
  const found = (each as Mapping | null | undefined)?.[key];
  return typeof found === 'object' && found !== null ? (found as Mapping) : {};
}

function conflict(path: SpecIssue['path'], message: string): SpecIssue {
  return { path, at: 'key', message, hint: 'keep one' };
}

/**
 * 2026-11: on any other axis a value without brackets is a list of one. Who writes `seeds: 3` may as well want three
 * seeds, and would learn only from the table that they ran one; a note is easily missed before hours of training, and
 * two brackets are quickly written. 0 and 1 are one seed either way.
 */
function loneSeed(seeds: unknown): readonly SpecIssue[] {
  if (typeof seeds !== 'number' || !Number.isInteger(seeds) || seeds < 2) return [];
  const several = seeds <= 4 ? Array.from({ length: seeds }, (_, seed) => seed).join(', ') : `0, 1, …, ${seeds - 1}`;
  return [
    {
      path: ['grid', 'seeds'],
      at: 'value',
      message: `expected a list: ${seeds} could be the seed ${seeds} or ${seeds} seeds`,
      hint: `write [${seeds}] for the one, [${several}] for the other`,
    },
  ];
}

/** `0..4`, `0-4`: as other tools write some. */
const RANGE = /^\s*(\d{1,9})\s*(?:\.{2,3}|-|–|to)\s*(\d{1,9})\s*$/;
const MOST_LISTED = 20;

/**
 * Of `seeds` that are no number and no list: nothing, a range, a mapping. What a seed alone may be would lead to the
 * next mistake. `null`: it is another one.
 */
export function unlistedSeeds(path: SpecIssue['path'], found: unknown): SpecIssue | null {
  const isAxis = path.length === 2 && path[0] === 'grid' && path[1] === 'seeds';
  if (!isAxis || found === undefined || typeof found === 'number' || Array.isArray(found)) return null;
  const message = `expected a list of whole numbers, got ${shown(found)}`;
  return { path, at: 'value', message, hint: `write ${listMeant(found)}` };
}

function listMeant(found: unknown): string {
  const [, from, to] = (typeof found === 'string' && RANGE.exec(found)) || [];
  const [first, last] = [Number(from), Number(to)];
  const isShort = last > first && last - first < MOST_LISTED;
  if (!isShort) return '[0, 1, 2] for three seeds';
  return `[${Array.from({ length: last - first + 1 }, (_, place) => first + place).join(', ')}]`;
}
