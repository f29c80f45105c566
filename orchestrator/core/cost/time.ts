/**
 * How long a trial takes: by trials of the same work on the same device, else by what the same model came to there, else by
 * what is assumed.
 */
import type { Precision, TrialSettings } from '../domain.js';
import { medianOf } from './against-seen.js';
import type { DeviceKind } from './device-kinds.js';
import type { TrialFlops } from './flops.js';
import type { T5Shape } from './shape.js';

/** FLOP/s that training came to, of real tokens. */
export interface Measured {
  /** As the result's environment names it. */
  readonly device: string;
  /** As the trial's settings name it. */
  readonly model: string;
  readonly precision: Precision;
  readonly flopsPerSecond: number;
  /** What of the trial's time was not training or evaluation. */
  readonly startSeconds: number;
  /** Absent: it was no whole trial. */
  readonly whole?: MeasuredTrial;
}

export interface MeasuredTrial {
  readonly work: string;
  readonly stepSeconds: number;
  readonly evaluationSeconds: number;
}

/** Equal for trials whose steps and evaluations have the same work. */
export function workOf(settings: TrialSettings): string {
  const { dataset, model_type, alpha, batch_size, grad_steps, max_input_length, gen_max_len, adapter } = settings;
  const parts = [dataset, model_type, alpha, batch_size, grad_steps, max_input_length, gen_max_len, adapter];
  return JSON.stringify([...parts, settings.optimizer, settings.lora_rank]);
}

/** Of the valid split, with `select: compat` of the test split each time too, else once. */
export function evaluationsOf({ max_steps, eval_steps, select }: TrialSettings): number {
  const times = Math.ceil(max_steps / eval_steps);
  return select === 'compat' ? 2 * times : times + 1;
}

export interface PredictedTime {
  readonly seconds: number;
  readonly from: 'measured' | 'assumed';
  /** Share of the peak that training is to use; `null` where it was measured. */
  readonly mfu: number | null;
}

/**
 * Of a GPU's peak, what the products of T5's training use at lengths of 50 to 250 tokens. Reported for T5: 77 % in
 * fp32, 28 % in TF32 and 35 % in bf16 for base with nanoT5, 20 to 47 % in bf16 for 3B and 11B on eight.
 */
export const ASSUMED_MFU: Readonly<Record<Precision, number>> = { fp32: 0.6, tf32: 0.28, bf16: 0.35 };
/** Sharing a model costs that much of it. */
const SHARED = 0.8;
/**
 * Of a layer, for each 64 rows, what is no product; fewer take as long, as kernels have to be begun. Devices of other
 * memory are not told apart, nor are lengths. By both, a step of 64 rows of cqa takes 40 ms for base in bf16, 63 in TF32
 * and 155 in fp32, and 102 for large in bf16; seen on one H200 in 2026-11: 38, 67, 167 and 104.
 */
export const LAYER_SECONDS = 0.001_05;
const LAYER_ROWS = 64;
/** Import, weights, tokens, and the context on a device. */
const START_SECONDS = 20;

/** `null`: nothing of the like was measured, and the device's peak is not known. */
export function predictTime(
  {
    settings,
    shape,
    flops,
    devices,
  }: {
    readonly settings: TrialSettings;
    readonly shape: T5Shape;
    readonly flops: TrialFlops;
    readonly devices: number;
  },
  kind: DeviceKind,
  measured: readonly Measured[],
): PredictedTime | null {
  const total = flops.training + flops.evaluation;
  const alike = measured.filter(
    ({ device, model, precision }) =>
      device === kind.name && model === settings.model && precision === settings.precision,
  );
  const same = alike.flatMap(({ whole, startSeconds }) =>
    whole?.work === workOf(settings) ? [{ ...whole, startSeconds }] : [],
  );
  if (same.length > 0 && devices === 1) {
    const median = (of: (each: (typeof same)[number]) => number) => medianOf(same.map(of)) ?? 0;
    const training = settings.max_steps * median(({ stepSeconds }) => stepSeconds);
    const evaluation = evaluationsOf(settings) * median(({ evaluationSeconds }) => evaluationSeconds);
    return { seconds: median(({ startSeconds }) => startSeconds) + training + evaluation, from: 'measured', mfu: null };
  }
  const seen = medianOf(alike.map(({ flopsPerSecond }) => flopsPerSecond));
  const waited = medianOf(alike.map(({ startSeconds }) => startSeconds));
  // How well several devices share a model is not seen on one.
  if (seen !== null && waited !== null && devices === 1) {
    return { seconds: waited + total / seen, from: 'measured', mfu: null };
  }
  const peak = kind.peakFlops[settings.precision];
  if (peak === undefined) return null;
  const rate = peak * ASSUMED_MFU[settings.precision] * (devices > 1 ? SHARED : 1) * devices;
  const layers = shape.encoderLayers + shape.decoderLayers;
  const rows = settings.batch_size * settings.grad_steps;
  const step = flops.step / rate + layers * LAYER_SECONDS * Math.max(1, rows / LAYER_ROWS);
  const seconds = START_SECONDS + step * settings.max_steps + flops.evaluation / rate;
  return { seconds, from: 'assumed', mfu: flops.step / (step * peak * devices) };
}
