/** Domain values of every shape, for properties. */
import fc from 'fast-check';
import type {
  DatasetSource,
  Evaluation,
  Failure,
  RunOptions,
  SourceFile,
  Trial,
  TrialSettings,
} from '../../orchestrator/core/domain.js';
import { type JsonValue, LOCAL } from '../../orchestrator/core/sweep/place.js';
import type { DeviceLoad } from '../../orchestrator/core/worker-standing.js';

/** As literals are: with a prototype. */
const object = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields as never, { noNullPrototype: true }) as unknown as fc.Arbitrary<T>;
const uint32 = fc.nat(2 ** 32 - 1);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const share = fc.double({ noNaN: true, min: 0, max: 1 });
const rate = fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 });
/** Protobuf carries Unicode, which lone surrogates are not. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const record = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    value,
    { maxKeys: 4, noNullPrototype: true },
  );

const lease = object({ trialId: hex(20), attempt: uint32, token: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) });

const settings: fc.Arbitrary<TrialSettings> = object({
  model: text,
  dataset: text,
  label_type: fc.constantFrom('gt', 'llm'),
  model_type: fc.constantFrom('standard', 'task_prefix', 'single_task'),
  seed: uint32,
  llm: fc.option(fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,63}$/)),
  alpha: fc.option(finite),
  subsample: finite,
  max_steps: uint32,
  eval_steps: uint32,
  batch_size: uint32,
  grad_steps: uint32,
  lr: finite,
  max_input_length: uint32,
  gen_max_len: uint32,
  precision: fc.constantFrom('fp32', 'tf32', 'bf16'),
  dropout: finite,
  select: fc.constantFrom('valid', 'compat'),
  init: fc.constantFrom('pretrained', 'random'),
  optimizer: fc.constantFrom('adamw', 'adamw8bit', 'adafactor'),
  adapter: fc.constantFrom('none', 'lora'),
  lora_rank: fc.option(uint32),
  lora_alpha: fc.option(finite),
});

const file: fc.Arbitrary<SourceFile> = object({
  path: fc
    .array(fc.constantFrom('a', 'weights.safetensors', 'ü b', '...', '-x'), { minLength: 1, maxLength: 3 })
    .map((names) => names.join('/')),
  sha256: hex(64),
  sizeBytes: fc.maxSafeNat(),
  role: fc.constantFrom('train', 'valid', 'test', 'teacher', 'config', 'tokenizer', 'weights'),
});
const files = fc.array(file, { maxLength: 3 });

const dataset: fc.Arbitrary<DatasetSource> = object({
  directory: text,
  layout: fc.constantFrom('release', 'folder'),
  files,
  metric: fc.constantFrom('text', 'equation'),
  fields: record(text),
  templates: record(text),
  choices: fc.array(text),
});

const run: fc.Arbitrary<RunOptions> = object({
  directory: fc.option(text.filter((each) => each !== '')),
  checkpointSteps: uint32,
  keepCheckpoints: fc.boolean(),
  keep: fc.constantFrom('none', 'last', 'best'),
  outputRationale: fc.boolean(),
  microBatches: uint32,
  compile: fc.constantFrom('auto', 'on', 'off'),
  gradientCheckpointing: fc.constantFrom('auto', 'on', 'off'),
  devices: fc.integer({ min: 1, max: 64 }),
  machines: fc.integer({ min: 1, max: 256 }),
  minMachines: fc.integer({ min: 1, max: 256 }),
  shard: uint32,
  tensor: uint32,
  optimizerStates: fc.constantFrom('device', 'host'),
  memoryBytes: fc.maxSafeNat(),
});

const trial: fc.Arbitrary<Trial> = object({
  trialId: hex(20),
  settings,
  model: object({ directory: text, files }),
  dataset,
  run,
});

const failure: fc.Arbitrary<Failure> = object({
  code: fc.constantFrom('INTERNAL', 'NON_FINITE_LOSS'),
  message: text,
  hint: text,
  detail: text,
  kind: fc.constantFrom('user', 'infrastructure', 'lost'),
});

const point = object({ step: uint32, loss: fc.double() });

const evaluation: fc.Arbitrary<Evaluation> = object({
  step: uint32,
  split: fc.constantFrom('valid', 'test'),
  loss: fc.double(),
  accuracy: share,
  correct: fc.uint8Array({ maxLength: 10 }),
  choiceAccuracy: fc.option(share),
}).map((each) => ({ ...each, rows: each.correct.length * 8 }));

const result = object({
  testAccuracy: share,
  selectedStep: uint32,
  seconds: rate,
  secondsByPhase: record(rate),
  examplesPerSecond: rate,
  trainRows: uint32,
  validRows: uint32,
  testRows: uint32,
  environment: record(text),
  choiceAccuracy: fc.option(share),
  resumedStep: uint32,
  usefulTokensPerSecond: rate,
  paddedTokensPerSecond: rate,
  mfuUseful: rate,
  mfuPadded: rate,
  peakFlops: rate,
  peakFlopsSource: fc.constantFrom('measured', 'vendor', ''),
  peakMemoryBytes: fc.maxSafeNat(),
  predictedMemoryBytes: fc.maxSafeNat(),
});

const device = object({
  kind: fc.constantFrom('cpu' as const, 'cuda' as const),
  name: text,
  memoryBytes: fc.maxSafeNat(),
  threads: uint32,
});

const workerId = fc.stringMatching(/^[a-z0-9-]{1,63}$/);

const hello = object({
  workerId,
  instanceId: fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/),
  engineVersion: uint32,
  host: text,
  pid: uint32,
  devices: fc.array(device, { maxLength: 2 }),
  versions: record(text),
  running: fc.array(lease, { maxLength: 2 }),
  slots: fc.integer({ min: 1, max: 256 }),
  prefetch: fc.integer({ min: 0, max: 256 }),
});

const line = object({
  unixMs: fc.maxSafeNat(),
  stream: fc.constantFrom('stdout' as const, 'stderr' as const, 'dss' as const),
  text,
});

const kind = <K extends string, T>(name: K, fields: { [P in keyof T]: fc.Arbitrary<T[P]> }) =>
  object({ kind: fc.constant(name), ...fields } as never) as unknown as fc.Arbitrary<{ readonly kind: K } & T>;

const report = fc.oneof(
  kind('metrics', { lease, training: fc.array(point), evaluations: fc.array(evaluation) }),
  kind('log', { lease, lines: fc.array(line), dropped: uint32 }),
  kind('checkpoint', { lease, step: uint32, path: text }),
  kind('finished', { lease, result }),
  kind('failed', { lease, failure }),
  kind('drained', {}),
);

const deviceLoad: fc.Arbitrary<DeviceLoad> = object({
  utilization: fc.option(share),
  memoryUsedBytes: fc.maxSafeNat(),
  memoryTotalBytes: fc.maxSafeNat(),
});

export const fromWorker = fc.oneof(
  kind('hello', { hello }),
  kind('renew', { leases: fc.array(lease) }),
  kind('load', { load: object({ devices: fc.array(deviceLoad, { maxLength: 256 }), warm: fc.nat(256) }) }),
  kind('progress', {
    lease,
    progress: object({ step: uint32, loss: fc.double(), examplesPerSecond: fc.double(), phase: text }),
  }),
  kind('report', { sequence: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), report }),
);

export const toWorker = fc.oneof(
  kind('welcome', { leaseMs: uint32, renewEveryMs: uint32 }),
  fc
    .tuple(lease, trial)
    .map(([each, of]) => ({ kind: 'assign' as const, lease: { ...each, trialId: of.trialId }, trial: of })),
  kind('renewed', { leases: fc.array(lease) }),
  kind('acknowledged', { sequences: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })) }),
  kind('stale', { lease }),
  kind('cancel', { lease, reason: text }),
  kind('drain', { graceMs: uint32 }),
  kind('refused', { code: text, message: text, hint: text }),
);

const progress = object({
  trialId: hex(20),
  step: uint32,
  maxSteps: uint32,
  loss: fc.double(),
  examplesPerSecond: fc.double(),
  phase: text,
});

const counts = object({ queued: uint32, running: uint32, succeeded: uint32, failed: uint32, cancelled: uint32 });
const sweep = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,39}$/);
const change = object({
  trialId: hex(20),
  state: fc.constantFrom('queued' as const, 'running' as const, 'failed' as const, 'cancelled' as const),
  attempt: uint32,
  workerId: fc.oneof(workerId, fc.constant('')),
  failure: fc.option(failure),
}).chain((each) =>
  fc
    .option(object({ testAccuracy: finite, seconds: finite, environment: record(text) }))
    .map((measured) => ({ ...each, state: measured === null ? each.state : ('succeeded' as const), result: measured })),
);

export const watchEvent = fc.oneof(
  kind('summary', { summary: object({ sweep, total: uint32, counts }) }),
  kind('trial', { trial: change }),
  kind('worker', {
    worker: object({
      workerId,
      slots: uint32,
      running: fc.array(progress, { maxLength: 3 }),
      gone: fc.boolean(),
    }),
  }),
);

const positive = fc.double({ noNaN: true, noDefaultInfinity: true, min: Number.MIN_VALUE });

/** What JSON says and reads back as it was: without -0. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

const sweepOptions = object({
  priority: fc.integer({ min: -100, max: 100 }),
  weight: fc.double({ noNaN: true, min: Number.MIN_VALUE, max: 1_000 }),
  budget: object({
    wallHours: fc.option(positive),
    deviceHours: fc.option(positive),
    failedTrials: fc.option(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  }),
  place: fc.oneof(
    fc.constant(LOCAL),
    object({
      on: fc.constantFrom('kubernetes', 'ray'),
      pools: fc.array(fc.constantFrom('kubernetes.gpu-0a1b2c3d', 'ray.0a1b2c3d')),
      settings: fc.dictionary(fc.string(), json).map((value) => ({ ...value })),
    }),
  ),
  compare: json,
});

export const part = object({
  sweep,
  first: uint32,
  trials: fc.array(trial, { maxLength: 3 }),
  last: fc.boolean(),
  retryFailed: fc.boolean(),
  rerun: fc.boolean(),
  extend: fc.boolean(),
  options: sweepOptions,
});
