/** Builders for what the journal holds. */
import type {
  Evaluation,
  Failure,
  RunOptions,
  Trial,
  TrialResult,
  TrialSettings,
} from '../../orchestrator/core/domain.js';
import type { TrialMeasurements, TrialRecord } from '../../orchestrator/journal/journal.js';

const SETTINGS: TrialSettings = {
  model: 'models/tiny',
  dataset: 'cqa',
  label_type: 'gt',
  model_type: 'task_prefix',
  seed: 0,
  llm: 'palm',
  alpha: 0.5,
  subsample: 1,
  max_steps: 100,
  eval_steps: 50,
  batch_size: 8,
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

/** What is asked for when nothing is. */
export const PLAIN_RUN: RunOptions = {
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
};

/** Only step-by-step has an alpha, and a standard trial with gold labels no teacher, unless a test says so. */
export function settingsOf(changes: Partial<TrialSettings> = {}): TrialSettings {
  const { model_type = 'task_prefix' } = changes;
  return {
    ...SETTINGS,
    ...(model_type === 'task_prefix' ? {} : { alpha: null }),
    ...(model_type === 'standard' && changes.label_type !== 'llm' ? { llm: null } : {}),
    ...changes,
  };
}

export function trialOf(changes: Partial<TrialSettings> = {}): Trial {
  const settings = settingsOf(changes);
  // Any text that differs where settings differ will do for an id here.
  const text = JSON.stringify(settings);
  let hash = 7n;
  for (const letter of text) hash = (hash * 1_000_003n + BigInt(letter.codePointAt(0) ?? 0)) % (1n << 80n);
  return {
    trialId: hash.toString(16).padStart(20, '0'),
    settings,
    model: { directory: '/models/tiny', files: [] },
    dataset: {
      directory: '/data',
      layout: 'release',
      files: [],
      metric: 'text',
      fields: {},
      templates: {},
      choices: [],
    },
    run: PLAIN_RUN,
  };
}

export function resultOf(changes: Partial<TrialResult> = {}): TrialResult {
  return {
    testAccuracy: 0.5,
    selectedStep: 100,
    seconds: 10,
    secondsByPhase: { load: 1, train: 9 },
    examplesPerSecond: 80,
    trainRows: 90,
    validRows: 10,
    testRows: 20,
    environment: { torch: '2', threads: '1' },
    choiceAccuracy: null,
    resumedStep: 0,
    usefulTokensPerSecond: 8_000,
    paddedTokensPerSecond: 10_000,
    mfuUseful: 0.2,
    mfuPadded: 0.25,
    peakFlops: 1e11,
    peakFlopsSource: 'measured',
    peakMemoryBytes: 2 ** 30,
    predictedMemoryBytes: 2 ** 30,
    ...changes,
  };
}

/** What the journal has in place of the measures that engine 1 did not take. */
export const UNMEASURED: Partial<TrialResult> = {
  choiceAccuracy: null,
  resumedStep: 0,
  usefulTokensPerSecond: 0,
  paddedTokensPerSecond: 0,
  mfuUseful: 0,
  mfuPadded: 0,
  peakFlops: 0,
  peakFlopsSource: '',
  peakMemoryBytes: 0,
  predictedMemoryBytes: 0,
};

export function succeeded(settings: Partial<TrialSettings>, result: Partial<TrialResult> = {}): TrialRecord {
  return {
    trial: trialOf(settings),
    state: 'succeeded',
    attempts: 1,
    result: resultOf(result),
    failure: null,
    queuedAtUnixMs: 1_000,
    startedAtUnixMs: 2_000,
    endedAtUnixMs: 12_000,
  };
}

export function failed(
  settings: Partial<TrialSettings>,
  failure: Partial<Failure> = {},
  endedAtUnixMs = 5_000,
): TrialRecord {
  return {
    trial: trialOf(settings),
    state: 'failed',
    attempts: 1,
    result: null,
    failure: {
      code: 'NON_FINITE_LOSS',
      message: 'the loss at step 3 is nan',
      hint: '',
      detail: '',
      kind: 'user',
      ...failure,
    },
    queuedAtUnixMs: 1_000,
    startedAtUnixMs: 2_000,
    endedAtUnixMs,
  };
}

export function queued(settings: Partial<TrialSettings>): TrialRecord {
  return {
    trial: trialOf(settings),
    state: 'queued',
    attempts: 0,
    result: null,
    failure: null,
    queuedAtUnixMs: 1_000,
    startedAtUnixMs: null,
    endedAtUnixMs: null,
  };
}

export function evaluationOf(changes: Partial<Evaluation> = {}): Evaluation {
  return {
    step: 100,
    split: 'valid',
    loss: 1.25,
    accuracy: 0.5,
    rows: 2,
    correct: Uint8Array.of(1),
    choiceAccuracy: null,
    ...changes,
  };
}

export const NOTHING_MEASURED: TrialMeasurements = { training: [], evaluations: [] };
