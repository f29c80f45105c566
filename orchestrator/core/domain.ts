/**
 * The words of the project as types. Everything but the wire and the journal speaks in these.
 * proto/dss/v1/common.proto says what each setting means, units included.
 */

/** Changes whenever the same settings may give other results; part of every trial's id. */
export const ENGINE_VERSION = 3;

export type LabelType = 'gt' | 'llm';
export type ModelType = 'standard' | 'task_prefix' | 'single_task';
/** `palm` and `gpt` in the release's layout; in layout `folder` a name that the dataset declares. */
export type Teacher = string;
export type Optimizer = 'adamw' | 'adamw8bit' | 'adafactor';
export type Adapter = 'none' | 'lora';
export type Precision = 'fp32' | 'tf32' | 'bf16';
export type Select = 'valid' | 'compat';
export type Init = 'pretrained' | 'random';
export type Metric = 'text' | 'equation';
export type Keep = 'none' | 'last' | 'best';
export type Switch = 'auto' | 'on' | 'off';
export type OptimizerStates = 'device' | 'host';

/** Canonical settings of a trial: what training really reads, and nothing else. */
export interface TrialSettings {
  readonly model: string;
  readonly dataset: string;
  readonly label_type: LabelType;
  readonly model_type: ModelType;
  readonly seed: number;
  /** `null` when no teacher output is read, or the rows hold those of one teacher without a name. */
  readonly llm: Teacher | null;
  /** `null` unless under `task_prefix`. */
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
  readonly optimizer: Optimizer;
  readonly adapter: Adapter;
  /** `null` without an adapter. */
  readonly lora_rank: number | null;
  /** `null` without an adapter. */
  readonly lora_alpha: number | null;
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
  /** Layout `folder` only: the answers that every row allows; empty: none are named, or each row names its own. */
  readonly choices: readonly string[];
}

/** How a trial is run and what is kept of it: nothing here changes what it learns, or its id. */
export interface RunOptions {
  /** The trial's own folder, the same for each of its attempts; `null` until the control plane lends the trial. */
  readonly directory: string | null;
  /** Steps between checkpoints; 0: by time. */
  readonly checkpointSteps: number;
  /** Checkpoints stay when the trial has ended. */
  readonly keepCheckpoints: boolean;
  /** Which weights stay as a model: of the last step, or of the step that gave the result. */
  readonly keep: Keep;
  /** Rationales are generated for the test split. */
  readonly outputRationale: boolean;
  /** Length groups that a batch is split into; 0: chosen by the worker. */
  readonly microBatches: number;
  readonly compile: Switch;
  readonly gradientCheckpointing: Switch;
  /** That train it, on each machine. */
  readonly devices: number;
  /** That train it together. */
  readonly machines: number;
  /** With at least so many it goes on when it has lost one and there are no more; `machines`: it waits for another. */
  readonly minMachines: number;
  /** Of those devices that divide the rows of each weight; 0: chosen by the worker. */
  readonly shard: number;
  /** That divide what each layer computes; 0: chosen by the worker. */
  readonly tensor: number;
  /** Where the optimizer's moments are between steps. */
  readonly optimizerStates: OptimizerStates;
  /** What it is thought to need at most on each device; 0: not known. */
  readonly memoryBytes: number;
}

export interface Trial {
  /** First 20 hex digits of a SHA-256 over what training reads. */
  readonly trialId: string;
  readonly settings: TrialSettings;
  readonly model: ModelSource;
  readonly dataset: DatasetSource;
  /** Not part of the id. */
  readonly run: RunOptions;
}

/** What a worker must show to speak for an attempt. */
export interface LeaseRef {
  readonly trialId: string;
  readonly attempt: number;
  /** Fencing token: grows with every grant. */
  readonly token: bigint;
}

/**
 * `user`: the same again fails again. `infrastructure`: worth some attempts. `lost`: worth many. `preempted`: whoever owns
 * the machine took it back, which is no failure of anything and costs no budget, however often.
 */
export type FailureKind = 'user' | 'infrastructure' | 'lost' | 'preempted';

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
  /** How often the right one of the allowed answers was the likeliest; `null` where none are named. */
  readonly choiceAccuracy: number | null;
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
  /** Of the test split; `null` where the dataset names no allowed answers. */
  readonly choiceAccuracy: number | null;
  /** The step that the attempt went on from; 0: the beginning. */
  readonly resumedStep: number;
  /** Input and target tokens of the train phase, without padding. */
  readonly usefulTokensPerSecond: number;
  readonly paddedTokensPerSecond: number;
  /** Share of `peakFlops` that training used, for tokens without padding. */
  readonly mfuUseful: number;
  readonly mfuPadded: number;
  /** FLOP/s of the device in the trial's precision; 0: unknown. */
  readonly peakFlops: number;
  /** "measured" or "vendor"; empty: unknown. */
  readonly peakFlopsSource: string;
  readonly peakMemoryBytes: number;
  readonly predictedMemoryBytes: number;
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
