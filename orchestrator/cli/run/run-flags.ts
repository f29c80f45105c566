/** From the release's flags to the value of a sweep file with one cell. */
import { SweepError } from '../../core/errors.js';
import { RUN_NAMES } from '../../core/sweep/settings.js';
import { SpecError } from '../../core/sweep/spec-error.js';
import { parseSweepValue, type SweepSpec } from '../../core/sweep/sweep-spec.js';

/** Flags whose name is the setting's; `train` takes them as they are. */
const TRAIN_FLAGS = [
  'llm',
  'alpha',
  'subsample',
  'max_steps',
  'eval_steps',
  'batch_size',
  'grad_steps',
  'lr',
  'max_input_length',
  'gen_max_len',
  'bf16',
  'precision',
  'dropout',
  'select',
  'init',
  'optimizer',
  'adapter',
  'lora_rank',
  'lora_alpha',
  ...RUN_NAMES,
] as const;

export type SettingFlags = Readonly<
  Partial<Record<(typeof TRAIN_FLAGS)[number], string | number | boolean | undefined>>
> & {
  readonly from_pretrained: string;
  readonly dataset: string;
  readonly run: number;
  readonly model_type?: string | undefined;
  readonly label_type?: string | undefined;
};

/** @throws SweepError USAGE, naming each flag whose value is wrong */
export function specOfFlags(flags: SettingFlags, name: string): SweepSpec {
  try {
    return parseSweepValue(sweepValueOf(flags, name), 'dss run');
  } catch (reason) {
    if (!(reason instanceof SpecError)) throw reason;
    const [hint = ''] = reason.issues.map((issue) => issue.hint).filter((each) => each !== '');
    throw new SweepError(
      'USAGE',
      reason.issues.map(({ path, message }) => `--${flagOf(path)}: ${message}`).join('\n'),
      { hint, cause: reason },
    );
  }
}

/** `train.lr` is --lr; axes have the release's names. */
function flagOf(path: string): string {
  const last =
    path
      .replace(/\[0\]$/, '')
      .split('.')
      .at(-1) ?? path;
  const renamed: Readonly<Record<string, string>> = {
    models: 'from_pretrained',
    datasets: 'dataset',
    seeds: 'run',
    sweep: 'name',
  };
  return renamed[last] ?? last;
}

/** What a sweep file with this one trial would say. `name` also serves until the trial's id is known. */
function sweepValueOf(flags: SettingFlags, name: string): unknown {
  const train = TRAIN_FLAGS.flatMap((flag) => (flags[flag] === undefined ? [] : [[flag, flags[flag]]]));
  return {
    sweep: name,
    grid: {
      models: [flags.from_pretrained],
      datasets: [flags.dataset],
      seeds: [flags.run],
      ...(flags.model_type === undefined ? {} : { model_type: [flags.model_type] }),
      ...(flags.label_type === undefined ? {} : { label_type: [flags.label_type] }),
    },
    ...(train.length > 0 ? { train: Object.fromEntries(train) } : {}),
  };
}

/** What to say about accepted flags that do nothing. */
export function idleNotes(flags: {
  readonly parallelize?: boolean | undefined;
  readonly no_log?: boolean | undefined;
  readonly optimizer_name?: string | undefined;
}): readonly string[] {
  return [
    ...(flags.parallelize
      ? ['--parallelize changes no result: --devices says over how many a trial is trained, by --layout auto']
      : []),
    ...(flags.no_log ? ['--no_log changes no result: what is measured is always kept'] : []),
    ...(flags.optimizer_name === undefined
      ? []
      : ['--optimizer_name only named a folder in the release; --optimizer chooses one']),
  ];
}
