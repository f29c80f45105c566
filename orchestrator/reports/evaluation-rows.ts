/** All that trials logged, a row per training point and per evaluation, each with the trial's settings. */
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import type { ParquetColumn } from '../exports/parquet.js';
import { SETTING_KINDS, settingNames, type TrialRow } from './trial-columns.js';

/** The fields of `evaluations.jsonl`. */
export function evaluationColumns(records: readonly TrialRecord[]): readonly ParquetColumn[] {
  return [
    { name: 'id', kind: 'text' },
    ...settingNames(records).map((name) => ({ name, kind: SETTING_KINDS[name] })),
    { name: 'kind', kind: 'text' },
    { name: 'split', kind: 'text' },
    { name: 'step', kind: 'whole' },
    { name: 'loss', kind: 'real' },
    { name: 'accuracy', kind: 'real' },
    { name: 'choice_accuracy', kind: 'real' },
    { name: 'rows', kind: 'whole' },
  ];
}

export function* evaluationRows(
  records: readonly TrialRecord[],
  measurementsOf: (trialId: string) => TrialMeasurements,
): Generator<TrialRow> {
  const names = settingNames(records);
  for (const record of records) yield* rowsOfTrial(record, measurementsOf(record.trial.trialId), names);
}

export function* rowsOfTrial(
  { trial }: TrialRecord,
  { training, evaluations }: TrialMeasurements,
  names: ReturnType<typeof settingNames>,
): Generator<TrialRow> {
  const start = [trial.trialId, ...names.map((name) => trial.settings[name])];
  for (const { step, loss } of training) yield [...start, 'training', 'train', step, loss, null, null, null];
  for (const { split, step, loss, accuracy, choiceAccuracy, rows } of evaluations) {
    yield [...start, 'evaluation', split, step, loss, accuracy, choiceAccuracy, rows];
  }
}
