/** Values of common.proto ↔ domain. Every word of a union is listed, so that adding one breaks the build here. */
import type {
  Adapter,
  DatasetSource,
  Evaluation,
  Failure,
  FailureKind,
  Init,
  Keep,
  LabelType,
  LeaseRef,
  Metric,
  ModelSource,
  ModelType,
  Optimizer,
  OptimizerStates,
  Precision,
  RunOptions,
  Select,
  SourceFile,
  SourceFileRole,
  Switch,
  TrainingPoint,
  Trial,
  TrialResult,
  TrialSettings,
} from '../core/domain.js';
import {
  finite,
  matching,
  notNegative,
  oneOf,
  required,
  safeInteger,
  share,
  TEACHER_NAME,
  TRIAL_ID,
  WireError,
} from './fields.js';
import * as wire from './generated/dss/v1/common.js';
import { decodeSha256, decodeStoredPath } from './store-codec.js';

const LABEL_TYPES: Record<LabelType, true> = { gt: true, llm: true };
const MODEL_TYPES: Record<ModelType, true> = { standard: true, task_prefix: true, single_task: true };
const PRECISIONS: Record<Precision, true> = { fp32: true, tf32: true, bf16: true };
const SELECTS: Record<Select, true> = { valid: true, compat: true };
const INITS: Record<Init, true> = { pretrained: true, random: true };
const OPTIMIZERS: Record<Optimizer, true> = { adamw: true, adamw8bit: true, adafactor: true };
const ADAPTERS: Record<Adapter, true> = { none: true, lora: true };
const KEEPS: Record<Keep, true> = { none: true, last: true, best: true };
const OPTIMIZER_STATES: Record<OptimizerStates, true> = { device: true, host: true };
const SWITCHES: Record<Switch, true> = { auto: true, on: true, off: true };
const METRICS: Record<Metric, true> = { text: true, equation: true };
const LAYOUTS: Record<DatasetSource['layout'], true> = { release: true, folder: true };
const SPLITS: Record<Evaluation['split'], true> = { valid: true, test: true };
const ROLES: Record<SourceFileRole, true> = {
  train: true,
  valid: true,
  test: true,
  teacher: true,
  config: true,
  tokenizer: true,
  weights: true,
};

export function encodeSettings(settings: TrialSettings): wire.TrialSettings {
  return {
    model: settings.model,
    dataset: settings.dataset,
    labelType: settings.label_type,
    modelType: settings.model_type,
    seed: settings.seed,
    llm: settings.llm ?? undefined,
    alpha: settings.alpha ?? undefined,
    subsample: settings.subsample,
    maxSteps: settings.max_steps,
    evalSteps: settings.eval_steps,
    batchSize: settings.batch_size,
    gradSteps: settings.grad_steps,
    lr: settings.lr,
    maxInputLength: settings.max_input_length,
    genMaxLen: settings.gen_max_len,
    precision: settings.precision,
    dropout: settings.dropout,
    select: settings.select,
    init: settings.init,
    optimizer: settings.optimizer,
    adapter: settings.adapter,
    loraRank: settings.lora_rank ?? undefined,
    loraAlpha: settings.lora_alpha ?? undefined,
  };
}

export function decodeSettings(message: wire.TrialSettings | undefined): TrialSettings {
  const settings = required(message, 'settings');
  return {
    model: settings.model ?? '',
    dataset: settings.dataset ?? '',
    label_type: oneOf(settings.labelType, LABEL_TYPES, 'label_type'),
    model_type: oneOf(settings.modelType, MODEL_TYPES, 'model_type'),
    seed: settings.seed ?? 0,
    llm: settings.llm === undefined ? null : matching(settings.llm, TEACHER_NAME, 'llm'),
    alpha: settings.alpha === undefined ? null : finite(settings.alpha, 'alpha'),
    subsample: finite(settings.subsample, 'subsample'),
    max_steps: settings.maxSteps ?? 0,
    eval_steps: settings.evalSteps ?? 0,
    batch_size: settings.batchSize ?? 0,
    grad_steps: settings.gradSteps ?? 0,
    lr: finite(settings.lr, 'lr'),
    max_input_length: settings.maxInputLength ?? 0,
    gen_max_len: settings.genMaxLen ?? 0,
    precision: oneOf(settings.precision, PRECISIONS, 'precision'),
    dropout: finite(settings.dropout, 'dropout'),
    select: oneOf(settings.select, SELECTS, 'select'),
    init: oneOf(settings.init, INITS, 'init'),
    optimizer: oneOf(settings.optimizer, OPTIMIZERS, 'optimizer'),
    adapter: oneOf(settings.adapter, ADAPTERS, 'adapter'),
    lora_rank: settings.loraRank ?? null,
    lora_alpha: settings.loraAlpha === undefined ? null : finite(settings.loraAlpha, 'lora_alpha'),
  };
}

function encodeFile({ path, sha256, sizeBytes, role }: SourceFile): wire.SourceFile {
  return { path, sha256, sizeBytes: BigInt(sizeBytes), role };
}

function decodeFile(file: wire.SourceFile): SourceFile {
  return {
    path: decodeStoredPath(file.path),
    sha256: decodeSha256(file.sha256),
    sizeBytes: safeInteger(file.sizeBytes, 'size_bytes'),
    role: oneOf(file.role, ROLES, 'role'),
  };
}

export function encodeModel({ directory, files }: ModelSource): wire.ModelSource {
  return { directory, files: files.map(encodeFile) };
}

export function decodeModel(message: wire.ModelSource | undefined): ModelSource {
  const model = required(message, 'model');
  return { directory: model.directory ?? '', files: model.files.map(decodeFile) };
}

export function encodeDataset(dataset: DatasetSource): wire.DatasetSource {
  return {
    directory: dataset.directory,
    layout: dataset.layout,
    files: dataset.files.map(encodeFile),
    metric: dataset.metric,
    fields: { ...dataset.fields },
    templates: { ...dataset.templates },
    choices: [...dataset.choices],
  };
}

export function decodeDataset(message: wire.DatasetSource | undefined): DatasetSource {
  const dataset = required(message, 'dataset');
  return {
    directory: dataset.directory ?? '',
    layout: oneOf(dataset.layout, LAYOUTS, 'layout'),
    files: dataset.files.map(decodeFile),
    metric: oneOf(dataset.metric, METRICS, 'metric'),
    fields: { ...dataset.fields },
    templates: { ...dataset.templates },
    choices: [...dataset.choices],
  };
}

export function encodeRun({ directory, memoryBytes, ...run }: RunOptions): wire.RunOptions {
  return { ...run, directory: directory ?? undefined, memoryBytes: BigInt(memoryBytes) };
}

export function decodeRun(message: wire.RunOptions | undefined): RunOptions {
  const run = required(message, 'run');
  return {
    directory: run.directory === undefined || run.directory === '' ? null : run.directory,
    checkpointSteps: run.checkpointSteps ?? 0,
    keepCheckpoints: run.keepCheckpoints ?? false,
    keep: oneOf(run.keep, KEEPS, 'keep'),
    outputRationale: run.outputRationale ?? false,
    microBatches: run.microBatches ?? 0,
    compile: oneOf(run.compile, SWITCHES, 'compile'),
    gradientCheckpointing: oneOf(run.gradientCheckpointing, SWITCHES, 'gradient_checkpointing'),
    devices: run.devices || 1,
    machines: run.machines || 1,
    minMachines: run.minMachines || run.machines || 1,
    shard: run.shard ?? 0,
    tensor: run.tensor ?? 0,
    optimizerStates: oneOf(run.optimizerStates || 'device', OPTIMIZER_STATES, 'optimizer_states'),
    memoryBytes: safeInteger(run.memoryBytes, 'memory_bytes'),
  };
}

/** A trial without its id, which stands elsewhere in each message that carries one. */
export interface WireTrial {
  settings: wire.TrialSettings | undefined;
  model: wire.ModelSource | undefined;
  dataset: wire.DatasetSource | undefined;
  run: wire.RunOptions | undefined;
}

export function encodeTrial({ settings, model, dataset, run }: Trial): WireTrial {
  return {
    settings: encodeSettings(settings),
    model: encodeModel(model),
    dataset: encodeDataset(dataset),
    run: encodeRun(run),
  };
}

export function decodeTrial(trialId: string | undefined, message: WireTrial): Trial {
  return {
    trialId: matching(trialId, TRIAL_ID, 'trial_id'),
    settings: decodeSettings(message.settings),
    model: decodeModel(message.model),
    dataset: decodeDataset(message.dataset),
    run: decodeRun(message.run),
  };
}

export function encodeLease({ trialId, attempt, token }: LeaseRef): wire.Lease {
  return { trialId, attempt, token };
}

export function decodeLease(message: wire.Lease | undefined): LeaseRef {
  const lease = required(message, 'lease');
  return {
    trialId: matching(lease.trialId, TRIAL_ID, 'trial_id'),
    attempt: lease.attempt ?? 0,
    token: lease.token ?? 0n,
  };
}

const KINDS: Record<FailureKind, wire.FailureKind> = {
  user: wire.FailureKind.FAILURE_KIND_USER,
  infrastructure: wire.FailureKind.FAILURE_KIND_INFRASTRUCTURE,
  lost: wire.FailureKind.FAILURE_KIND_LOST,
  preempted: wire.FailureKind.FAILURE_KIND_PREEMPTED,
};

function decodeKind(kind: wire.FailureKind | undefined): FailureKind {
  switch (kind) {
    case wire.FailureKind.FAILURE_KIND_USER:
      return 'user';
    case wire.FailureKind.FAILURE_KIND_INFRASTRUCTURE:
      return 'infrastructure';
    case wire.FailureKind.FAILURE_KIND_LOST:
      return 'lost';
    case wire.FailureKind.FAILURE_KIND_PREEMPTED:
      return 'preempted';
    case undefined:
    case wire.FailureKind.FAILURE_KIND_UNSPECIFIED:
    case wire.FailureKind.UNRECOGNIZED:
      throw new WireError('failure kind is missing or unknown');
    default:
      // A number that this version has no name for arrives as itself.
      throw new WireError(`failure kind ${String(kind satisfies never)} is unknown`);
  }
}

/** What a peer may make us store of one failure. */
const DETAIL_CHARACTERS = 16_384;
const LINE_CHARACTERS = 2_048;
const NAME_CHARACTERS = 64;

export function encodeFailure({ code, message, hint, detail, kind }: Failure): wire.Failure {
  return { code, message, hint, detail, kind: KINDS[kind] };
}

export function decodeFailure(message: wire.Failure | undefined): Failure {
  const failure = required(message, 'failure');
  return {
    code: matching(failure.code, /^[A-Z][A-Z0-9_]{0,63}$/, 'failure code'),
    message: (failure.message ?? '').slice(0, LINE_CHARACTERS),
    hint: (failure.hint ?? '').slice(0, LINE_CHARACTERS),
    detail: (failure.detail ?? '').slice(0, DETAIL_CHARACTERS),
    kind: decodeKind(failure.kind),
  };
}

export function encodePoint({ step, loss }: TrainingPoint): wire.TrainingPoint {
  return { step, loss };
}

export function decodePoint({ step, loss }: wire.TrainingPoint): TrainingPoint {
  return { step: step ?? 0, loss: loss ?? 0 };
}

export function encodeEvaluation({ correct, choiceAccuracy, ...measured }: Evaluation): wire.Evaluation {
  return { ...measured, correct: Buffer.from(correct), choiceAccuracy: choiceAccuracy ?? undefined };
}

export function decodeEvaluation(message: wire.Evaluation): Evaluation {
  const rows = message.rows ?? 0;
  const correct = new Uint8Array(message.correct ?? []);
  if (correct.length !== Math.ceil(rows / 8)) {
    throw new WireError(`evaluation has ${correct.length} bytes of bits for ${rows} rows`);
  }
  return {
    step: message.step ?? 0,
    split: oneOf(message.split, SPLITS, 'split'),
    loss: message.loss ?? 0,
    accuracy: share(message.accuracy, 'accuracy'),
    rows,
    correct,
    choiceAccuracy: optionalShare(message.choiceAccuracy),
  };
}

export function encodeResult(result: TrialResult): wire.TrialResult {
  return {
    ...result,
    secondsByPhase: { ...result.secondsByPhase },
    environment: { ...result.environment },
    choiceAccuracy: result.choiceAccuracy ?? undefined,
    peakMemoryBytes: BigInt(result.peakMemoryBytes),
    predictedMemoryBytes: BigInt(result.predictedMemoryBytes),
  };
}

export function decodeResult(message: wire.TrialResult | undefined): TrialResult {
  const result = required(message, 'result');
  return {
    testAccuracy: share(result.testAccuracy, 'test_accuracy'),
    selectedStep: result.selectedStep ?? 0,
    seconds: notNegative(result.seconds, 'seconds'),
    secondsByPhase: decodePhases(result.secondsByPhase),
    examplesPerSecond: notNegative(result.examplesPerSecond, 'examples_per_second'),
    trainRows: result.trainRows ?? 0,
    validRows: result.validRows ?? 0,
    testRows: result.testRows ?? 0,
    environment: { ...result.environment },
    choiceAccuracy: optionalShare(result.choiceAccuracy),
    resumedStep: result.resumedStep ?? 0,
    usefulTokensPerSecond: notNegative(result.usefulTokensPerSecond, 'useful_tokens_per_second'),
    paddedTokensPerSecond: notNegative(result.paddedTokensPerSecond, 'padded_tokens_per_second'),
    mfuUseful: notNegative(result.mfuUseful, 'mfu_useful'),
    mfuPadded: notNegative(result.mfuPadded, 'mfu_padded'),
    peakFlops: notNegative(result.peakFlops, 'peak_flops'),
    peakFlopsSource: (result.peakFlopsSource ?? '').slice(0, NAME_CHARACTERS),
    peakMemoryBytes: safeInteger(result.peakMemoryBytes, 'peak_memory_bytes'),
    predictedMemoryBytes: safeInteger(result.predictedMemoryBytes, 'predicted_memory_bytes'),
  };
}

function decodePhases(seconds: Readonly<Record<string, number>>): TrialResult['secondsByPhase'] {
  return Object.fromEntries(
    Object.entries(seconds).map(([phase, each]) => [phase, notNegative(each, `seconds of phase ${phase}`)]),
  );
}

function optionalShare(value: number | undefined): number | null {
  return value === undefined ? null : share(value, 'choice_accuracy');
}
