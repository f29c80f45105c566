/** `results.csv`: one row per trial, with all settings, all metrics and the environment. */
import type { Evaluation } from '../core/domain.js';
import type { TrialMeasurements, TrialRecord } from '../journal/journal.js';
import { measuresOf } from './measures.js';

type Field = string | number | bigint | null | undefined;

/** Lines without their ends, the header first. Measurements are fetched a trial at a time: they are large. */
export function* resultsCsv(
  records: readonly TrialRecord[],
  measurementsOf: (trialId: string) => TrialMeasurements,
): Generator<string> {
  const environment = namesIn(records.map(({ result }) => result?.environment));
  const phases = namesIn(records.map(({ result }) => result?.secondsByPhase));
  const settings = Object.keys(records[0]?.trial.settings ?? {});
  yield line([
    'id',
    'state',
    'attempts',
    ...settings,
    'test_accuracy',
    'choice_accuracy',
    'test_loss',
    'selected_step',
    'valid_accuracy',
    'valid_loss',
    'last_training_loss',
    'evaluations',
    'train_rows',
    'valid_rows',
    'test_rows',
    'seconds',
    'resumed_step',
    'examples_per_second',
    'useful_tokens_per_second',
    'padded_tokens_per_second',
    'mfu_useful',
    'mfu_padded',
    'peak_flops',
    'peak_flops_source',
    'peak_memory_bytes',
    'predicted_memory_bytes',
    ...phases.map((name) => `seconds_${name}`),
    ...environment.map((name) => `environment_${name}`),
    'failure_code',
    'failure_message',
  ]);
  for (const { trial, state, attempts, result, failure } of records) {
    const { training, evaluations } = measurementsOf(trial.trialId);
    const valid = evaluationAt(evaluations, 'valid', result?.selectedStep);
    const test = evaluationAt(evaluations, 'test', result?.selectedStep);
    const measures = result === null ? null : measuresOf(result);
    const values: Readonly<Record<string, Field>> = { ...trial.settings };
    yield line([
      trial.trialId,
      state,
      attempts,
      ...settings.map((name) => values[name]),
      result?.testAccuracy,
      result?.choiceAccuracy,
      test?.loss,
      result?.selectedStep,
      valid?.accuracy,
      valid?.loss,
      training.at(-1)?.loss,
      evaluations.length,
      result?.trainRows,
      result?.validRows,
      result?.testRows,
      result?.seconds,
      measures?.resumedStep,
      measures?.examplesPerSecond,
      measures?.usefulTokensPerSecond,
      measures?.paddedTokensPerSecond,
      measures?.mfuUseful,
      measures?.mfuPadded,
      measures?.peakFlops,
      measures?.peakFlopsSource,
      measures?.peakMemoryBytes,
      measures?.predictedMemoryBytes,
      ...phases.map((name) => result?.secondsByPhase[name]),
      ...environment.map((name) => result?.environment[name]),
      state === 'succeeded' ? null : failure?.code,
      state === 'succeeded' ? null : failure?.message,
    ]);
  }
}

function namesIn(maps: readonly (Readonly<Record<string, unknown>> | undefined)[]): readonly string[] {
  return [...new Set(maps.flatMap((map) => Object.keys(map ?? {})))].sort();
}

/** The newest of a split at the chosen step. */
function evaluationAt(
  evaluations: readonly Evaluation[],
  split: Evaluation['split'],
  step: number | undefined,
): Evaluation | undefined {
  return evaluations.findLast((each) => each.split === split && each.step === step);
}

/** RFC 4180; an absent value is an empty field. */
function line(fields: readonly Field[]): string {
  return fields
    .map((field) => {
      const text = field === null || field === undefined ? '' : String(field);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}
