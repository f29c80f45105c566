import { SweepError } from '../core/errors.js';
import type { CheckedRows } from './check-rows.js';

/** @param path relative to the datasets root */
export function wrongRows(path: string, { place, message, count }: CheckedRows['wrong'][string]): SweepError {
  const more = count > 1 ? ` (and ${(count - 1).toLocaleString('en')} more wrong rows)` : '';
  return new SweepError('DATASET_INVALID', `${path}${place}: ${message}${more}`, {
    hint: '`dss data check` lists every wrong row',
  });
}
