/**
 * How many bytes a trial needs, by what they are for. The worker makes the same prediction of its own trial from its
 * real rows (`training/memory.py`), and measures what it came to; here rows are known by mean and spread.
 */
import type { Optimizer, RunOptions, TrialSettings } from '../domain.js';
import type { Layout } from '../sweep/layout.js';
import { pairsOf, rowWork, type Spread, type TokenLengths } from './lengths.js';
import { adapterParameters, gatheredParameters, innerWidth, parameterCount, type T5Shape } from './shape.js';

export interface MemoryParts {
  readonly weights: number;
  readonly gradients: number;
  /** The optimizer's. */
  readonly moments: number;
  /** Of a model that several devices share: the others' weights that one has for a pass, with their gradients. */
  readonly gathered: number;
  /** Under bf16, the weights once more as they enter products. */
  readonly casts: number;
  readonly activations: number;
  /** Scores of the output layer, some tokens at a time, and its gradient. */
  readonly outputs: number;
  /** On a CPU: first and selected weights beside those that are trained. */
  readonly copies: number;
  /** On a CPU: interpreter and libraries. */
  readonly process: number;
}

export interface PredictedMemory {
  readonly parts: MemoryParts;
  readonly total: number;
  /** Bounds that the largest pass keeps to. */
  readonly passTokens: number;
  /** Activations are computed again in the backward pass. */
  readonly isCheckpointed: boolean;
}

/** Where a trial would run: one of the devices that share it. */
export interface Place {
  readonly kind: 'cpu' | 'cuda';
  /** What a process of ours may have of it. */
  readonly memoryBytes: number;
  /** Over all machines; they share one model. */
  readonly devices: number;
  /** How they divide it; default: the rows of its weights, over all. */
  readonly layout?: Layout;
}

export interface TrialFacts {
  readonly shape: T5Shape;
  readonly settings: TrialSettings;
  readonly run: Pick<RunOptions, 'gradientCheckpointing' | 'microBatches'> &
    Partial<Pick<RunOptions, 'shard' | 'tensor' | 'optimizerStates' | 'compile'>>;
  readonly lengths: TokenLengths;
}

const FLOAT32 = 4;
const BFLOAT16 = 2;
/** AdamW's two of a weight: float32 each, or a byte and a share of its block's scale each. Adafactor's are few. */
const MOMENT_BYTES: Readonly<Record<Optimizer, number>> = { adamw: 2 * 4, adamw8bit: 2 * (1 + 4 / 256), adafactor: 0 };
/** Scores of so many tokens are there at once. */
const CHUNK_TOKENS = { cpu: 256, cuda: 1_024 };
/** Of the largest of 30,000 sums. */
const DEVIATIONS = 4;

/** The worker's bounds on a pass, in `training/micro_batches.py`. */
const CPU_PASS = { tokens: 16_384, cells: 2 ** 21 };
const GPU_ACTIVATION_SHARE = 0.6;
/** Of weights that a worker keeps for its next trial, in `training/warm_cache.py`. */
const MOST_KEPT_BYTES = 2 * 2 ** 30;
const GPU_CELLS_PER_TOKEN = 1_024;
/** Python with torch, transformers and peft, before any trial: measured on Linux with torch 2.15 for CPUs. */
const PROCESS_BYTES = 724 * 2 ** 20;

/** What the trial takes where there is room, and as little as it can do with where there is not. */
export function predictMemory(facts: TrialFacts, place: Place): PredictedMemory {
  const { selected, ...fixed } = fixedBytes(facts, place);
  const stays = fixed.weights + fixed.gradients + fixed.moments;
  const pass = passBounds(facts, place, stays + fixed.gathered + fixed.casts);
  const parts = { ...fixed, ...passBytes(facts, place, pass) };
  const during = parts.gathered + parts.casts + parts.activations + parts.outputs;
  return {
    parts,
    // Selected weights are there twice while one takes the other's place, between passes.
    total: stays + parts.copies + parts.process + Math.max(during, selected),
    passTokens: Math.floor(pass.tokens),
    isCheckpointed: pass.isCheckpointed,
  };
}

/**
 * Bytes on one device, where nobody knows yet which it will be: `RunOptions.memoryBytes`.
 *
 * @param kind whose memory is meant
 */
export function predictedMemoryBytes(
  facts: TrialFacts,
  { kind, devices = 1 }: { readonly kind: Place['kind']; readonly devices?: number },
): number {
  return Math.ceil(predictMemory(facts, { kind, devices, memoryBytes: Number.MAX_SAFE_INTEGER }).total);
}

/** Parameters that are there, and those of them that are trained. */
export function trainedParameters({ shape, settings }: Pick<TrialFacts, 'shape' | 'settings'>) {
  // A fresh model's output layer is its embedding, whatever its config says.
  const model = parameterCount(settings.init === 'random' ? { ...shape, isTied: true } : shape);
  if (settings.adapter === 'none') return { all: model, trained: model };
  const trained = adapterParameters(shape, settings.lora_rank ?? 0);
  return { all: model + trained, trained };
}

/** Of the optimizer's moments where they are in ordinary memory, on all machines together. */
export function hostMomentBytes(facts: Pick<TrialFacts, 'shape' | 'settings'>): number {
  return trainedParameters(facts).trained * MOMENT_BYTES[facts.settings.optimizer];
}

type Fixed = Omit<MemoryParts, 'activations' | 'outputs'> & { readonly selected: number };

function fixedBytes(facts: TrialFacts, place: Place): Fixed {
  const { shape, settings, run } = facts;
  const { kind, devices } = place;
  const { shard, tensor } = layoutAt(place);
  const { all, trained } = trainedParameters(facts);
  const holders = shard * tensor;
  const weights = (all * FLOAT32) / holders;
  const gradients = (trained * FLOAT32) / holders;
  const selected = kind === 'cpu' && settings.select === 'valid' ? gradients : 0;
  const shared = devices > tensor ? gatheredParameters(shape) / tensor : 0;
  // On a CPU they are in ordinary memory wherever they are said to be.
  const areElsewhere = kind !== 'cpu' && run.optimizerStates === 'host';
  const first = kind === 'cpu' && devices === 1 && settings.adapter === 'none' ? weights : 0;
  return {
    weights,
    gradients,
    moments: areElsewhere ? 0 : (trained * MOMENT_BYTES[settings.optimizer]) / holders,
    gathered: 2 * shared * FLOAT32,
    casts: settings.precision === 'bf16' ? BFLOAT16 * (shared > 0 ? shared : all / tensor) : 0,
    // The first weights are kept for the next trial, unless a model is shared, adapted or large.
    copies: (first <= MOST_KEPT_BYTES ? first : 0) + selected,
    process: kind === 'cpu' ? PROCESS_BYTES : 0,
    selected,
  };
}

interface Pass {
  readonly tokens: number;
  readonly cells: number;
  readonly isCheckpointed: boolean;
}

/** The plan that the worker would make. */
function passBounds({ shape, settings, run }: TrialFacts, place: Place, fixed: number): Pass {
  const { kind, memoryBytes } = place;
  if (kind === 'cpu') return { ...CPU_PASS, isCheckpointed: run.gradientCheckpointing === 'on' };
  const room = GPU_ACTIVATION_SHARE * Math.max(0, memoryBytes - fixed);
  const perLayer = activationBytesPerLayer(shape, settings, layoutAt(place));
  const deepest = deepestOf(shape);
  const perToken = perLayer * deepest;
  const longest = Math.min(2 * settings.max_input_length, GPU_CELLS_PER_TOKEN);
  const { gradientCheckpointing: asked } = run;
  const isCheckpointed = asked === 'on' || (asked === 'auto' && room / perToken < longest);
  // What a recorded pass allocates stays so, beside a pass whose shape is not known yet.
  const isRecorded = run.compile !== 'off' && place.devices === 1 && !isCheckpointed;
  const share = isRecorded ? 0.5 : 1;
  const tokens = Math.max(
    1,
    Math.floor((share * room) / (isCheckpointed ? perLayer + FLOAT32 * shape.width * deepest : perToken)),
  );
  return { tokens, cells: tokens * GPU_CELLS_PER_TOKEN, isCheckpointed };
}

function deepestOf({ encoderLayers, decoderLayers }: T5Shape): number {
  return Math.max(encoderLayers, decoderLayers);
}

/** What a token's pass through a layer keeps for its backward pass, about; counted in `training/micro_batches.py`. */
function activationBytesPerLayer(
  shape: T5Shape,
  { precision, adapter, dropout }: TrialSettings,
  { tensor }: Layout,
): number {
  const size = precision === 'bf16' ? BFLOAT16 : FLOAT32;
  const inner = innerWidth(shape);
  const { width, feedForward } = shape;
  const divided = (8 * inner + 5 * feedForward) / tensor;
  // What each adapted matrix reads, dropped: factors and product.
  const adapted = adapter === 'lora' && dropout > 0 ? 2 * FLOAT32 * (6 * width + 2 * inner + feedForward) : 0;
  return 6 * FLOAT32 * width + size * (4 * width + divided) + adapted;
}

function passBytes(facts: TrialFacts, place: Place, pass: Pass): Pick<MemoryParts, 'activations' | 'outputs'> {
  const { shape, settings, run } = facts;
  const { kind, devices } = place;
  const layout = layoutAt(place);
  const { width, heads, vocabulary } = shape;
  const isDropping = settings.dropout > 0;
  const largest = largestPass(facts, pass, Math.max(1, run.microBatches), devices / layout.tensor);
  const { tokens, layerTokens, layerCells } = largest;
  let activations = activationBytesPerLayer(shape, settings, layout) * layerTokens;
  // Of each head the probabilities; dropout's factors and the product stay, too.
  if (kind === 'cpu') activations += (isDropping ? 3 : 1) * ((FLOAT32 * heads) / layout.tensor) * layerCells;
  // One layer's at a time, and what each layer reads.
  if (pass.isCheckpointed) activations = activations / deepestOf(shape) + FLOAT32 * width * layerTokens;
  const scored = vocabulary / layout.tensor;
  const scores = 2 * FLOAT32 * scored * Math.min(CHUNK_TOKENS[kind], tokens);
  return { activations, outputs: scores + (settings.adapter === 'lora' ? 0 : FLOAT32 * scored * width) };
}

function layoutAt({ devices, layout }: Place): Layout {
  return layout ?? { shard: devices, tensor: 1 };
}

interface LargestPass {
  readonly tokens: number;
  /** Tokens times the layers that they go through. */
  readonly layerTokens: number;
  /** Pairs of tokens that attend, once for each layer in which they do. */
  readonly layerCells: number;
}

/**
 * The largest pass in thousands of steps, on one device.
 *
 * @param shares devices, or groups of them, that have other rows
 */
function largestPass(
  { shape, settings, lengths }: TrialFacts,
  bounds: Pass,
  passes: number,
  shares: number,
): LargestPass {
  const pairs = pairsOf(lengths, settings);
  const { tokens, cells } = rowWork(pairs);
  const layers = rowWork(pairs, { encoder: shape.encoderLayers, decoder: shape.decoderLayers });
  const rows = Math.ceil(settings.batch_size / shares);
  // Of a step in several parts the first has the longest rows.
  const shift = longestShift(settings.grad_steps);
  const [batchTokens, batchCells] = [largestSum(tokens, rows, shift), largestSum(cells, rows, shift)];
  const share = Math.min(1, bounds.tokens / batchTokens, bounds.cells / batchCells, 1 / passes);
  // A row is not divided.
  const taken = Math.max(share, 1 / rows);
  return {
    tokens: batchTokens * taken,
    layerTokens: largestSum(layers.tokens, rows, shift) * taken,
    layerCells: largestSum(layers.cells, rows, shift) * taken,
  };
}

function largestSum({ mean, sd }: Spread, rows: number, shift: number): number {
  return rows * (mean + shift * sd) + DEVIATIONS * sd * Math.sqrt(rows);
}

/** Mean of the longest of `parts` equal parts of normally distributed rows, in standard deviations: about. */
function longestShift(parts: number): number {
  return parts === 1 ? 0 : Math.sqrt(2 * Math.log(parts)) * (1 - 1 / (2 * parts));
}
