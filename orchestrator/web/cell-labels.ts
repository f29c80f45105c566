/**
 * Where a cell stands in the matrix: models and whatever else varies go down, methods and training-set sizes across.
 * Only what differs between the cells of a sweep is said.
 */
import { canonicalJson } from '../core/canonical-json.js';
import type { CellSettings } from '../core/records.js';
import { METHODS } from '../reports/methods.js';

export interface CellPlace {
  /** Of rows that belong together. */
  readonly group: string;
  readonly row: string;
  readonly method: string;
  readonly size: string;
}

const IN_METHOD = ['model_type', 'label_type', 'llm', 'alpha'] as const;
const ELSEWHERE = new Set<string>(['model', 'dataset', 'subsample', ...IN_METHOD]);

export function placesOf(cells: readonly CellSettings[]): readonly CellPlace[] {
  const varying = varyingNames(cells);
  const others = [...varying].filter((name) => !ELSEWHERE.has(name)).sort();
  return cells.map((settings) => ({
    group: [settings.dataset, ...others.map((name) => `${name} ${textOf(settings, name)}`)].join(' · '),
    row: settings.model,
    method: methodOf(settings, varying),
    size: String(settings.subsample),
  }));
}

function methodOf(settings: CellSettings, varying: ReadonlySet<string>): string {
  const { model_type, label_type, llm, alpha } = settings;
  const parts: string[] = [METHODS[model_type]];
  if (varying.has('label_type')) parts.push(label_type === 'gt' ? 'gold labels' : 'teacher labels');
  if (varying.has('llm') && llm !== null) parts.push(llm);
  if (varying.has('alpha') && alpha !== null) parts.push(`alpha ${alpha}`);
  return parts.join(' · ');
}

function varyingNames(cells: readonly CellSettings[]): ReadonlySet<string> {
  const firsts = new Map<string, unknown>();
  const varying = new Set<string>();
  for (const settings of cells) {
    for (const [name, value] of Object.entries(settings)) {
      // Beside one value, `null` says only that some method has no such setting.
      if (value === null || varying.has(name)) continue;
      if (!firsts.has(name)) firsts.set(name, value);
      else if (!isSameSetting(firsts.get(name), value)) varying.add(name);
    }
  }
  return varying;
}

export function isSameSetting(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && a !== null && canonicalJson(a) === canonicalJson(b));
}

function textOf(settings: CellSettings, name: string): string {
  const value = (settings as unknown as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : canonicalJson(value);
}
