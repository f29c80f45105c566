/**
 * Where a cell stands in the matrix: models and whatever else varies go down, methods and training-set sizes across.
 * Only what differs between the cells of a sweep is said.
 */
import type { CellSettings } from '../core/records.js';
import { METHODS } from '../reports/methods.js';
import { settingWords, varyingNames } from '../reports/varying-settings.js';

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
    group: [settings.dataset, ...others.map((name) => settingWords(settings, name))].join(' · '),
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
