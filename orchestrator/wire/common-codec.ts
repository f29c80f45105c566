/** Values of common.proto ↔ domain. Every word of a union is listed, so that adding one breaks the build here. */
import type {
  DatasetSource,
  Evaluation,
  Failure,
  FailureKind,
  Init,
  LabelType,
  LeaseRef,
  Metric,
  ModelSource,
  ModelType,
  Precision,
  Select,
  SourceFile,
  SourceFileRole,
  Teacher,
  TrainingPoint,
  Trial,
  TrialResult,
  TrialSettings,
} from '../core/domain.js';
import { finite, matching, oneOf, required, safeInteger, TRIAL_ID, WireError } from './fields.js';
import * as wire from './generated/dss/v1/common.js';

const LABEL_TYPES: Record<LabelType, true> = { gt: true, llm: true };
const MODEL_TYPES: Record<ModelType, true> = { standard: true, task_prefix: true };
const TEACHERS: Record<Teacher, true> = { palm: true, gpt: true };
const PRECISIONS: Record<Precision, true> = { fp32: true, tf32: true, bf16: true };
const SELECTS: Record<Select, true> = { valid: true, compat: true };
const INITS: Record<Init, true> = { pretrained: true, random: true };
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

function encodeSettings(settings: TrialSettings): wire.TrialSettings {
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
  };
}

function decodeSettings(message: wire.TrialSettings | undefined): TrialSettings {
  const settings = required(message, 'settings');
  return {
    model: settings.model ?? '',
    dataset: settings.dataset ?? '',
    label_type: oneOf(settings.labelType, LABEL_TYPES, 'label_type'),
    model_type: oneOf(settings.modelType, MODEL_TYPES, 'model_type'),
    seed: settings.seed ?? 0,
    llm: settings.llm === undefined ? null : oneOf(settings.llm, TEACHERS, 'llm'),
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
  };
}

function encodeFile({ path, sha256, sizeBytes, role }: SourceFile): wire.SourceFile {
  return { path, sha256, sizeBytes: BigInt(sizeBytes), role };
}

function decodeFile(file: wire.SourceFile): SourceFile {
  return {
    path: file.path ?? '',
    sha256: file.sha256 ?? '',
    sizeBytes: safeInteger(file.sizeBytes, 'size_bytes'),
    role: oneOf(file.role, ROLES, 'role'),
  };
}

export function encodeModel({ directory, files }: ModelSource): wire.ModelSource {
  return { directory, files: files.map(encodeFile) };
}

function decodeModel(message: wire.ModelSource | undefined): ModelSource {
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
  };
}

function decodeDataset(message: wire.DatasetSource | undefined): DatasetSource {
  const dataset = required(message, 'dataset');
  return {
    directory: dataset.directory ?? '',
    layout: oneOf(dataset.layout, LAYOUTS, 'layout'),
    files: dataset.files.map(decodeFile),
    metric: oneOf(dataset.metric, METRICS, 'metric'),
    fields: { ...dataset.fields },
    templates: { ...dataset.templates },
  };
}

/** A trial without its id, which stands elsewhere in each message that carries one. */
export interface WireTrial {
  settings: wire.TrialSettings | undefined;
  model: wire.ModelSource | undefined;
  dataset: wire.DatasetSource | undefined;
  checkpointSteps?: number | undefined;
}

export function encodeTrial({ settings, model, dataset, checkpointSteps }: Trial): WireTrial {
  return {
    settings: encodeSettings(settings),
    model: encodeModel(model),
    dataset: encodeDataset(dataset),
    checkpointSteps,
  };
}

export function decodeTrial(trialId: string | undefined, message: WireTrial): Trial {
  return {
    trialId: matching(trialId, TRIAL_ID, 'trial_id'),
    settings: decodeSettings(message.settings),
    model: decodeModel(message.model),
    dataset: decodeDataset(message.dataset),
    checkpointSteps: message.checkpointSteps ?? 0,
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
};

function decodeKind(kind: wire.FailureKind | undefined): FailureKind {
  switch (kind) {
    case wire.FailureKind.FAILURE_KIND_USER:
      return 'user';
    case wire.FailureKind.FAILURE_KIND_INFRASTRUCTURE:
      return 'infrastructure';
    case wire.FailureKind.FAILURE_KIND_LOST:
      return 'lost';
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

export function encodeEvaluation({ step, split, loss, accuracy, rows, correct }: Evaluation): wire.Evaluation {
  return { step, split, loss, accuracy, rows, correct: Buffer.from(correct) };
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
    accuracy: message.accuracy ?? 0,
    rows,
    correct,
  };
}

export function encodeResult(result: TrialResult): wire.TrialResult {
  return { ...result, secondsByPhase: { ...result.secondsByPhase }, environment: { ...result.environment } };
}

export function decodeResult(message: wire.TrialResult | undefined): TrialResult {
  const result = required(message, 'result');
  return {
    testAccuracy: result.testAccuracy ?? 0,
    selectedStep: result.selectedStep ?? 0,
    seconds: result.seconds ?? 0,
    secondsByPhase: { ...result.secondsByPhase },
    examplesPerSecond: result.examplesPerSecond ?? 0,
    trainRows: result.trainRows ?? 0,
    validRows: result.validRows ?? 0,
    testRows: result.testRows ?? 0,
    environment: { ...result.environment },
  };
}
