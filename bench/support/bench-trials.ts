/** Trials as a large grid gives them: ids like hashes, and a few sources that all of them share. */
import { createHash } from 'node:crypto';
import type { DatasetSource, ModelSource, Trial, TrialResult, TrialSettings } from '../../orchestrator/core/domain.js';

/** Of every trial; the simulated workers say that they have reached it. */
export const MAX_STEPS = 100;

const MODELS = ['google/t5-v1_1-small', 'google/t5-v1_1-base'] as const;
const DATASETS = ['cqa', 'svamp', 'esnli', 'anli1'] as const;
const KINDS = MODELS.length * DATASETS.length;

const MODEL_SOURCES = MODELS.map(
  (name): ModelSource => ({
    directory: `/data/models/${name}`,
    files: (['config.json', 'spiece.model', 'tokenizer.json', 'model.safetensors'] as const).map((path) => ({
      path,
      sha256: digest(`${name} ${path}`),
      sizeBytes: 1_000_000,
      role: path === 'config.json' ? 'config' : path === 'model.safetensors' ? 'weights' : 'tokenizer',
    })),
  }),
);

const DATASET_SOURCES = DATASETS.map(
  (name): DatasetSource => ({
    directory: '/data/datasets',
    layout: 'release',
    files: (['train', 'valid', 'test'] as const).map((role) => ({
      path: `${name}/${name}_${role}.json`,
      sha256: digest(`${name} ${role}`),
      sizeBytes: 10_000_000,
      role,
    })),
    metric: 'text',
    fields: {},
    templates: {},
    choices: [],
  }),
);

/** Number `index` of the sweep `name`. The same for the same two. */
function benchTrial(name: string, index: number): Trial {
  const model = index % MODELS.length;
  const dataset = Math.floor(index / MODELS.length) % DATASETS.length;
  const settings: TrialSettings = {
    model: MODELS[model] as string,
    dataset: DATASETS[dataset] as string,
    label_type: 'gt',
    model_type: 'task_prefix',
    seed: Math.floor(index / KINDS),
    llm: 'palm',
    alpha: 0.5,
    subsample: 1,
    max_steps: MAX_STEPS,
    eval_steps: 50,
    batch_size: 64,
    grad_steps: 1,
    lr: 5e-5,
    max_input_length: 1024,
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
  return {
    trialId: digest(`${name} ${index}`).slice(0, 20),
    settings,
    model: MODEL_SOURCES[model] as ModelSource,
    dataset: DATASET_SOURCES[dataset] as DatasetSource,
    run: {
      directory: null,
      checkpointSteps: 0,
      keepCheckpoints: false,
      keep: 'none',
      outputRationale: false,
      microBatches: 0,
      compile: 'auto',
      gradientCheckpointing: 'auto',
      devices: 1,
      machines: 1,
      minMachines: 1,
      shard: 0,
      tensor: 0,
      optimizerStates: 'device',
      memoryBytes: 0,
    },
  };
}

export function benchTrials(name: string, first: number, count: number): readonly Trial[] {
  return Array.from({ length: count }, (_, offset) => benchTrial(name, first + offset));
}

/** What a real worker sends at the end of a trial, environment included. */
export const RESULT: TrialResult = {
  testAccuracy: 0.625,
  selectedStep: MAX_STEPS,
  seconds: 12.5,
  secondsByPhase: { load: 1.5, compile: 0, train: 8.25, evaluate: 2.75 },
  examplesPerSecond: 512.5,
  trainRows: 9741,
  validRows: 1221,
  testRows: 1221,
  environment: { python: '3.12.3', torch: '2.15.0', transformers: '5.24.0', device: 'a simulated one', threads: '1' },
  choiceAccuracy: null,
  resumedStep: 0,
  usefulTokensPerSecond: 42_000,
  paddedTokensPerSecond: 47_000,
  mfuUseful: 0.31,
  mfuPadded: 0.35,
  peakFlops: 1e11,
  peakFlopsSource: 'measured',
  peakMemoryBytes: 2 ** 31,
  predictedMemoryBytes: 2 ** 31,
};

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
