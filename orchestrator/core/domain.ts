/**
 * The words of the project as types. Everything but the wire and the journal speaks in these.
 * proto/dss/v1/common.proto says what each setting means, units included.
 */

/** Changes whenever the same settings may give other results; part of every trial's id. */
export const ENGINE_VERSION = 1;

export type LabelType = 'gt' | 'llm';
export type ModelType = 'standard' | 'task_prefix';
export type Teacher = 'palm' | 'gpt';
export type Precision = 'fp32' | 'tf32' | 'bf16';
export type Select = 'valid' | 'compat';
export type Init = 'pretrained' | 'random';
export type Metric = 'text' | 'equation';

/** Canonical settings of a trial: what training really reads, and nothing else. */
export interface TrialSettings {
  readonly model: string;
  readonly dataset: string;
  readonly label_type: LabelType;
  readonly model_type: ModelType;
  readonly seed: number;
  /** `null` when no teacher output is read. */
  readonly llm: Teacher | null;
  /** `null` under `standard`. */
  readonly alpha: number | null;
  readonly subsample: number;
  readonly max_steps: number;
  readonly eval_steps: number;
  readonly batch_size: number;
  readonly grad_steps: number;
  readonly lr: number;
  readonly max_input_length: number;
  readonly gen_max_len: number;
  readonly precision: Precision;
  readonly dropout: number;
  readonly select: Select;
  readonly init: Init;
}

export type SourceFileRole = 'train' | 'valid' | 'test' | 'teacher' | 'config' | 'tokenizer' | 'weights';

export interface SourceFile {
  /** Relative to the source's directory, with forward slashes. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly role: SourceFileRole;
}

export interface ModelSource {
  /** Absolute. */
  readonly directory: string;
  readonly files: readonly SourceFile[];
}

export interface DatasetSource {
  /** Absolute: the datasets root, since the release keeps GPT-NeoX outputs beside the dataset. */
  readonly directory: string;
  readonly layout: 'release' | 'folder';
  /** Only what this trial reads, in reading order within each role. */
  readonly files: readonly SourceFile[];
  readonly metric: Metric;
  /** Layout `folder` only. */
  readonly fields: Readonly<Record<string, string>>;
  readonly templates: Readonly<Record<string, string>>;
}

export interface Trial {
  /** First 20 hex digits of a SHA-256 over what training reads. */
  readonly trialId: string;
  readonly settings: TrialSettings;
  readonly model: ModelSource;
  readonly dataset: DatasetSource;
  /** Steps between checkpoints; 0: none. Not part of the id: it cannot change a result. */
  readonly checkpointSteps: number;
}

/** What a worker must show to speak for an attempt. */
export interface LeaseRef {
  readonly trialId: string;
  readonly attempt: number;
  /** Fencing token: grows with every grant. */
  readonly token: bigint;
}

/** `user`: the same again fails again. `infrastructure`: worth some attempts. `lost`: worth many. */
export type FailureKind = 'user' | 'infrastructure' | 'lost';

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly detail: string;
  readonly kind: FailureKind;
}

export interface TrainingPoint {
  readonly step: number;
  readonly loss: number;
}

export interface Evaluation {
  readonly step: number;
  readonly split: 'valid' | 'test';
  /** Nats per label token. */
  readonly loss: number;
  readonly accuracy: number;
  readonly rows: number;
  /** One bit per row, least significant first. */
  readonly correct: Uint8Array;
}

export interface TrialResult {
  readonly testAccuracy: number;
  readonly selectedStep: number;
  readonly seconds: number;
  readonly secondsByPhase: Readonly<Record<string, number>>;
  readonly examplesPerSecond: number;
  readonly trainRows: number;
  readonly validRows: number;
  readonly testRows: number;
  readonly environment: Readonly<Record<string, string>>;
}

export type TrialState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export interface Device {
  readonly kind: 'cpu' | 'cuda';
  readonly name: string;
  readonly memoryBytes: number;
  readonly threads: number;
}

export interface Progress {
  readonly step: number;
  readonly loss: number;
  readonly examplesPerSecond: number;
  readonly phase: string;
}
