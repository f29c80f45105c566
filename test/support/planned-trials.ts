/** Trials as a plan sees them, of models and datasets whose sizes are known by name. */
import { KNOWN_SHAPES } from '../../orchestrator/core/cost/known-shapes.js';
import { KNOWN_DATASETS } from '../../orchestrator/core/cost/lengths.js';
import type { TrialFacts } from '../../orchestrator/core/cost/memory.js';
import type { TrialSettings } from '../../orchestrator/core/domain.js';

export const SETTINGS: TrialSettings = {
  model: 'google/t5-v1_1-small',
  dataset: 'cqa',
  label_type: 'gt',
  model_type: 'task_prefix',
  seed: 0,
  llm: 'palm',
  alpha: 0.5,
  subsample: 1,
  max_steps: 10_000,
  eval_steps: 250,
  batch_size: 64,
  grad_steps: 1,
  lr: 5e-5,
  max_input_length: 1_024,
  gen_max_len: 64,
  precision: 'fp32',
  dropout: 0.1,
  select: 'valid',
  init: 'pretrained',
  optimizer: 'adamw',
  adapter: 'none',
  lora_rank: null,
  lora_alpha: null,
};

export function factsOf(changes: Partial<TrialSettings> = {}, run: Partial<TrialFacts['run']> = {}): TrialFacts {
  const settings = { ...SETTINGS, ...changes };
  const shape = KNOWN_SHAPES.get(settings.model);
  const dataset = KNOWN_DATASETS.get(settings.dataset);
  if (shape === undefined || dataset === undefined) throw new Error(`nothing is known of ${JSON.stringify(changes)}`);
  return {
    shape,
    settings,
    run: { gradientCheckpointing: 'auto', microBatches: 0, ...run },
    lengths: dataset.lengths,
  };
}
