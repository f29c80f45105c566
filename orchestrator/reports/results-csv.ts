/** `results.csv`: one row per trial, with all settings, all metrics and the environment. */
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import { csvLine } from './csv.js';
import { type TrialRow, trialColumns, trialRows } from './trial-columns.js';

/** Lines without their ends, the header first. */
export function resultsCsv(
  records: readonly TrialRecord[],
  measurementsOf: (trialId: string) => TrialMeasurements,
): Generator<string> {
  const columns = trialColumns(records);
  return csvOf(columns, trialRows(columns, records, measurementsOf));
}

export function* csvOf(columns: readonly { readonly name: string }[], rows: Iterable<TrialRow>): Generator<string> {
  yield csvLine(columns.map(({ name }) => name));
  for (const row of rows) yield csvLine(row);
}
