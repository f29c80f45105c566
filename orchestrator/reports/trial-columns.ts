/** All that is known of a trial as named values, for tables of any format: settings, metrics, measures, environment. */
import type { Evaluation } from '../core/domain.js';
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import { type Measures, measuresOf } from './measures.js';

export type TrialValue = string | number | null | undefined;

export interface TrialColumn {
  readonly name: string;
  readonly read: (record: TrialRecord, measured: TrialMeasurements) => TrialValue;
}

/** Columns that any of the trials has a value for: environments and phases differ. */
export function trialColumns(records: readonly TrialRecord[]): readonly TrialColumn[] {
  const settings = Object.keys(records[0]?.trial.settings ?? {});
  const phases = namesIn(records, ({ result }) => result?.secondsByPhase);
  const environment = namesIn(records, ({ result }) => result?.environment);
  return [
    { name: 'id', read: ({ trial }) => trial.trialId },
    { name: 'state', read: ({ state }) => state },
    { name: 'attempts', read: ({ attempts }) => attempts },
    ...settings.map((name): TrialColumn => ({ name, read: ({ trial }) => settingOf(trial.settings, name) })),
    { name: 'test_accuracy', read: ({ result }) => result?.testAccuracy },
    { name: 'choice_accuracy', read: ({ result }) => result?.choiceAccuracy },
    { name: 'test_loss', read: (record, measured) => chosen('test', record, measured)?.loss },
    { name: 'selected_step', read: ({ result }) => result?.selectedStep },
    { name: 'valid_accuracy', read: (record, measured) => chosen('valid', record, measured)?.accuracy },
    { name: 'valid_loss', read: (record, measured) => chosen('valid', record, measured)?.loss },
    { name: 'last_training_loss', read: (_, { training }) => training.at(-1)?.loss },
    { name: 'evaluations', read: (_, { evaluations }) => evaluations.length },
    { name: 'train_rows', read: ({ result }) => result?.trainRows },
    { name: 'valid_rows', read: ({ result }) => result?.validRows },
    { name: 'test_rows', read: ({ result }) => result?.testRows },
    { name: 'seconds', read: ({ result }) => result?.seconds },
    ...MEASURES.map(
      ([name, key]): TrialColumn => ({
        name,
        read: ({ result }) => (result === null ? null : measuresOf(result)[key]),
      }),
    ),
    ...phases.map(
      (phase): TrialColumn => ({
        name: `seconds_${phase}`,
        read: ({ result }) => result?.secondsByPhase[phase],
      }),
    ),
    ...environment.map(
      (name): TrialColumn => ({
        name: `environment_${name}`,
        read: ({ result }) => result?.environment[name],
      }),
    ),
    { name: 'failure_code', read: ({ state, failure }) => (state === 'succeeded' ? null : failure?.code) },
    { name: 'failure_message', read: ({ state, failure }) => (state === 'succeeded' ? null : failure?.message) },
  ];
}

/** A trial's values, in the order of the columns. */
export type TrialRow = readonly TrialValue[];

/** Measurements are fetched a trial at a time: they are large. */
export function* trialRows(
  columns: readonly TrialColumn[],
  records: readonly TrialRecord[],
  measurementsOf: (trialId: string) => TrialMeasurements,
): Generator<TrialRow> {
  for (const record of records) {
    const measured = measurementsOf(record.trial.trialId);
    yield columns.map(({ read }) => read(record, measured));
  }
}

const MEASURES: readonly (readonly [string, keyof Measures])[] = [
  ['resumed_step', 'resumedStep'],
  ['examples_per_second', 'examplesPerSecond'],
  ['useful_tokens_per_second', 'usefulTokensPerSecond'],
  ['padded_tokens_per_second', 'paddedTokensPerSecond'],
  ['mfu_useful', 'mfuUseful'],
  ['mfu_padded', 'mfuPadded'],
  ['peak_flops', 'peakFlops'],
  ['peak_flops_source', 'peakFlopsSource'],
  ['peak_memory_bytes', 'peakMemoryBytes'],
  ['predicted_memory_bytes', 'predictedMemoryBytes'],
];

function settingOf(settings: Readonly<object>, name: string): TrialValue {
  return (settings as Readonly<Record<string, TrialValue>>)[name];
}

function namesIn(
  records: readonly TrialRecord[],
  mapOf: (record: TrialRecord) => Readonly<Record<string, unknown>> | undefined,
): readonly string[] {
  const names = new Set<string>();
  for (const record of records) for (const name of Object.keys(mapOf(record) ?? {})) names.add(name);
  return [...names].sort();
}

/** The newest of a split at the step that gave the result. */
function chosen(
  split: Evaluation['split'],
  { result }: TrialRecord,
  { evaluations }: TrialMeasurements,
): Evaluation | undefined {
  return evaluations.findLast((each) => each.split === split && each.step === result?.selectedStep);
}
