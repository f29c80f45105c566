/** What may be asked for one trial: the release's names and defaults, and what each accepts. */
import { z } from 'zod';
import type { Keep, OptimizerStates, Switch, Teacher, TrialSettings } from '../domain.js';
import { AUTO_LAYOUT, layoutText } from './layout.js';

/** What is learned, as asked for; `canonicalise` makes `TrialSettings` of it. */
export interface LearnedSettings extends Omit<TrialSettings, 'llm' | 'alpha' | 'dropout' | 'lora_rank' | 'lora_alpha'> {
  readonly llm: Teacher | 'none';
  readonly alpha: number;
  /** `null`: the model's own. */
  readonly dropout: number | null;
  readonly lora_rank: number;
  readonly lora_alpha: number;
}

/** How it is run and what is kept of it, as asked for: no trial is told apart by these. See `runOptionsOf`. */
export interface RunSettings {
  /** 0: by time. */
  readonly checkpoint_steps: number;
  readonly keep_checkpoints: boolean;
  readonly keep: Keep;
  readonly output_rationale: boolean;
  /** 0: chosen by the worker. */
  readonly micro_batches: number;
  readonly compile: Switch;
  readonly gradient_checkpointing: Switch;
  /** On each machine. */
  readonly devices: number;
  readonly machines: number;
  /** `null`: as many as `machines`. */
  readonly min_machines: number | null;
  /** As `layoutText` has it. */
  readonly layout: string;
  readonly optimizer_states: OptimizerStates;
}

/** Settings of one cell as asked for. */
export interface CellSettings extends LearnedSettings, RunSettings {}

export type SettingName = keyof CellSettings;
export type SettingValue = string | number | boolean | null;

const RUN_DEFAULTS: RunSettings = {
  checkpoint_steps: 0,
  keep_checkpoints: false,
  keep: 'none',
  output_rationale: false,
  micro_batches: 0,
  compile: 'auto',
  gradient_checkpointing: 'auto',
  devices: 1,
  machines: 1,
  min_machines: null,
  layout: AUTO_LAYOUT,
  optimizer_states: 'device',
};

export const RUN_NAMES = Object.keys(RUN_DEFAULTS) as readonly (keyof RunSettings)[];

/** What is not said in a sweep file. */
export const DEFAULTS: Readonly<Omit<CellSettings, 'model' | 'dataset'>> = {
  label_type: 'gt',
  model_type: 'task_prefix',
  llm: 'palm',
  alpha: 0.5,
  subsample: 1,
  max_steps: 10_000,
  eval_steps: 250,
  batch_size: 64,
  grad_steps: 1,
  lr: 5e-5,
  max_input_length: 1024,
  gen_max_len: 64,
  precision: 'fp32',
  dropout: null,
  select: 'valid',
  init: 'pretrained',
  optimizer: 'adamw',
  adapter: 'none',
  lora_rank: 16,
  lora_alpha: 32,
  ...RUN_DEFAULTS,
  seed: 0,
};

/** The order in which a grid is expanded, from the axis that changes slowest to the one that changes fastest. */
export const SETTING_NAMES: readonly SettingName[] = [
  'model',
  'dataset',
  ...(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]),
];

const GRID_ONLY: readonly SettingName[] = ['model', 'dataset', 'label_type', 'model_type', 'seed'];

/** What `train` and an override may set. */
export const TRAIN_NAMES: readonly SettingName[] = SETTING_NAMES.filter((name) => !GRID_ONLY.includes(name));

/** A grid lists many models, so that its axis has the plural; a trial has one. */
export function axisOf(name: SettingName): string {
  return name === 'model' || name === 'dataset' || name === 'seed' ? `${name}s` : name;
}

export const CHOICES: Readonly<Partial<Record<SettingName, readonly string[]>>> = {
  label_type: ['gt', 'llm'],
  model_type: ['standard', 'task_prefix', 'single_task'],
  precision: ['fp32', 'tf32', 'bf16'],
  select: ['valid', 'compat'],
  init: ['pretrained', 'random'],
  optimizer: ['adamw', 'adamw8bit', 'adafactor'],
  adapter: ['none', 'lora'],
  keep: ['none', 'last', 'best'],
  compile: ['auto', 'on', 'off'],
  gradient_checkpointing: ['auto', 'on', 'off'],
  optimizer_states: ['device', 'host'],
};

/** Teachers of the release's layout. */
export const RELEASE_TEACHERS: readonly Teacher[] = ['palm', 'gpt'];

/** The wire has 32 bits for whole numbers. */
const MAX_WHOLE = 2 ** 32 - 1;

/** No machine has more, and no sweep of ours asks for more machines. */
const MAX_DEVICES = 64;
const MAX_MACHINES = 256;

function whole(least: number, most = MAX_WHOLE): z.ZodType<SettingValue> {
  return z.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    `expected a whole number from ${least} to ${most}`,
  );
}

function real(accepts: (value: number) => boolean, expected: string): z.ZodType<SettingValue> {
  return z.custom<number>(
    (value) => typeof value === 'number' && Number.isFinite(value) && accepts(value),
    `expected a number ${expected}`,
  );
}

function text(pattern: RegExp, expected: string): z.ZodType<SettingValue> {
  return z.custom<string>((value) => typeof value === 'string' && pattern.test(value), `expected ${expected}`);
}

function choice(name: SettingName): z.ZodType<SettingValue> {
  const choices = CHOICES[name] ?? [];
  return z.custom<string>(
    (value) => typeof value === 'string' && choices.includes(value),
    `expected ${choices.join(' or ')}`,
  );
}

export const SWITCHED = z.custom<boolean>((value) => typeof value === 'boolean', 'expected true or false');

/** What each setting accepts. */
export const FIELDS: Readonly<Record<SettingName, z.ZodType<SettingValue>>> = {
  model: text(/^(?=.*\S)\P{Cc}{1,1000}$/u, 'a hub name or a directory'),
  // A folder name and nothing else, so that no dataset lies outside the datasets folder.
  dataset: text(/^[A-Za-z0-9][\w.-]{0,99}$/, 'the name of a folder in the datasets folder'),
  label_type: choice('label_type'),
  model_type: choice('model_type'),
  llm: text(/^[A-Za-z0-9][\w.-]{0,63}$/, 'the name of a teacher, or none'),
  alpha: real((value) => value >= 0 && value <= 1, 'from 0 to 1'),
  subsample: real((value) => value > 0 && value <= 1, 'above 0 and at most 1'),
  max_steps: whole(1),
  eval_steps: whole(1),
  batch_size: whole(1),
  grad_steps: whole(1),
  lr: real((value) => value > 0, 'above 0'),
  max_input_length: whole(1),
  gen_max_len: whole(1),
  precision: choice('precision'),
  dropout: real((value) => value >= 0 && value < 1, 'from 0 to below 1'),
  select: choice('select'),
  init: choice('init'),
  optimizer: choice('optimizer'),
  adapter: choice('adapter'),
  lora_rank: whole(1),
  lora_alpha: real((value) => value > 0, 'above 0'),
  checkpoint_steps: whole(0),
  keep_checkpoints: SWITCHED,
  keep: choice('keep'),
  output_rationale: SWITCHED,
  micro_batches: whole(0),
  compile: choice('compile'),
  gradient_checkpointing: choice('gradient_checkpointing'),
  devices: whole(1, MAX_DEVICES),
  machines: whole(1, MAX_MACHINES),
  min_machines: whole(1, MAX_MACHINES),
  layout: z
    .custom<unknown>((value) => layoutText(value) !== null, 'expected auto or {shard: 2, tensor: 1}')
    .transform((value) => layoutText(value)),
  optimizer_states: choice('optimizer_states'),
  seed: whole(0),
};
