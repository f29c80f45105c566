/** All that is known of a trial as named values, for tables of any format: settings, metrics, measures, environment. */
import type { Evaluation, TrialSettings } from '../core/domain.js';
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import type { ColumnKind } from '../exports/parquet.js';
import { cellIds } from './cell-groups.js';
import { type Measures, measuresOf } from './measures.js';

export type TrialValue = string | number | null | undefined;

export interface TrialColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly read: (record: TrialRecord, measured: TrialMeasurements) => TrialValue;
}

/** Columns that any of the trials has a value for: environments and phases differ. */
export function trialColumns(records: readonly TrialRecord[]): readonly TrialColumn[] {
  const phases = namesIn(records, ({ result }) => result?.secondsByPhase);
  const cells = cellIds(records);
  const environment = namesIn(records, ({ result }) => result?.environment);
  return [
    { name: 'id', kind: 'text', read: ({ trial }) => trial.trialId },
    // Equal for trials that may be put together, which settings alone do not say.
    { name: 'cell', kind: 'text', read: ({ trial }) => cells.get(trial.trialId) },
    { name: 'state', kind: 'text', read: ({ state }) => state },
    { name: 'attempts', kind: 'whole', read: ({ attempts }) => attempts },
    ...settingNames(records).map(
      (name): TrialColumn => ({ name, kind: SETTING_KINDS[name], read: ({ trial }) => trial.settings[name] }),
    ),
    { name: 'test_accuracy', kind: 'real', read: ({ result }) => result?.testAccuracy },
    { name: 'choice_accuracy', kind: 'real', read: ({ result }) => result?.choiceAccuracy },
    { name: 'test_loss', kind: 'real', read: (record, measured) => chosen('test', record, measured)?.loss },
    { name: 'selected_step', kind: 'whole', read: ({ result }) => result?.selectedStep },
    { name: 'valid_accuracy', kind: 'real', read: (record, measured) => chosen('valid', record, measured)?.accuracy },
    { name: 'valid_loss', kind: 'real', read: (record, measured) => chosen('valid', record, measured)?.loss },
    { name: 'last_training_loss', kind: 'real', read: (_, { training }) => training.at(-1)?.loss },
    { name: 'evaluations', kind: 'whole', read: (_, { evaluations }) => evaluations.length },
    { name: 'train_rows', kind: 'whole', read: ({ result }) => result?.trainRows },
    { name: 'valid_rows', kind: 'whole', read: ({ result }) => result?.validRows },
    { name: 'test_rows', kind: 'whole', read: ({ result }) => result?.testRows },
    { name: 'seconds', kind: 'real', read: ({ result }) => result?.seconds },
    ...MEASURES.map(
      ([name, key, kind]): TrialColumn => ({
        name,
        kind,
        read: ({ result }) => (result === null ? null : measuresOf(result)[key]),
      }),
    ),
    ...phases.map(
      (phase): TrialColumn => ({
        name: `seconds_${phase}`,
        kind: 'real',
        read: ({ result }) => result?.secondsByPhase[phase],
      }),
    ),
    ...environment.map(
      (name): TrialColumn => ({
        name: `environment_${name}`,
        kind: 'text',
        read: ({ result }) => result?.environment[name],
      }),
    ),
    {
      name: 'failure_code',
      kind: 'text',
      read: ({ state, failure }) => (state === 'succeeded' ? null : failure?.code),
    },
    {
      name: 'failure_message',
      kind: 'text',
      read: ({ state, failure }) => (state === 'succeeded' ? null : failure?.message),
    },
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

const MEASURES: readonly (readonly [string, keyof Measures, ColumnKind])[] = [
  ['resumed_step', 'resumedStep', 'whole'],
  ['examples_per_second', 'examplesPerSecond', 'real'],
  ['useful_tokens_per_second', 'usefulTokensPerSecond', 'real'],
  ['padded_tokens_per_second', 'paddedTokensPerSecond', 'real'],
  ['mfu_useful', 'mfuUseful', 'real'],
  ['mfu_padded', 'mfuPadded', 'real'],
  ['peak_flops', 'peakFlops', 'real'],
  ['peak_flops_source', 'peakFlopsSource', 'text'],
  ['peak_memory_bytes', 'peakMemoryBytes', 'whole'],
  ['predicted_memory_bytes', 'predictedMemoryBytes', 'whole'],
];

export const SETTING_KINDS: Readonly<Record<keyof TrialSettings, ColumnKind>> = {
  model: 'text',
  dataset: 'text',
  label_type: 'text',
  model_type: 'text',
  seed: 'whole',
  llm: 'text',
  alpha: 'real',
  subsample: 'real',
  max_steps: 'whole',
  eval_steps: 'whole',
  batch_size: 'whole',
  grad_steps: 'whole',
  lr: 'real',
  max_input_length: 'whole',
  gen_max_len: 'whole',
  precision: 'text',
  dropout: 'real',
  select: 'text',
  init: 'text',
  optimizer: 'text',
  adapter: 'text',
  lora_rank: 'whole',
  lora_alpha: 'real',
};

/** In the order in which a trial has them. */
export function settingNames(records: readonly TrialRecord[]): readonly (keyof TrialSettings)[] {
  return Object.keys(records[0]?.trial.settings ?? {}) as (keyof TrialSettings)[];
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
