/** How long a trial takes: by what was measured on the same device with the same model, else by what is assumed. */
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
}

export interface PredictedTime {
  readonly seconds: number;
  readonly from: 'measured' | 'assumed';
  /** Share of the peak that training is to use; `null` where it was measured. */
  readonly mfu: number | null;
}

/**
 * Of a GPU's peak, what training T5 uses at lengths of 50 to 250 tokens. Reported for T5: 77 % in fp32, 28 % in TF32
 * and 35 % in bf16 for base with nanoT5, 20 to 47 % in bf16 for 3B and 11B on eight. Assumed a little lower; nothing
 * of it was measured with this project.
 */
export const ASSUMED_MFU: Readonly<Record<Precision, number>> = { fp32: 0.6, tf32: 0.28, bf16: 0.25 };
/** Sharing a model costs that much of it. */
const SHARED = 0.8;
/** Starting a layer's kernels forward and backward: what small models wait for. From "tens of ms" a step of base. */
const LAYER_SECONDS = 0.001_25;
/** Import, weights, tokens, and the context on a device. */
const START_SECONDS = 20;
/** Where graphs are compiled. */
const COMPILE_SECONDS = 60;
const STEPS_WORTH_COMPILING = 2_000;

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
  const rate = medianOf(alike.map(({ flopsPerSecond }) => flopsPerSecond));
  const waited = medianOf(alike.map(({ startSeconds }) => startSeconds));
  // How well several devices share a model is not seen on one.
  if (rate !== null && waited !== null && devices === 1) {
    return { seconds: waited + total / rate, from: 'measured', mfu: null };
  }
  const peak = kind.peakFlops[settings.precision];
  if (peak === undefined) return null;
  const mfu = ASSUMED_MFU[settings.precision] * (devices > 1 ? SHARED : 1);
  const layers = shape.encoderLayers + shape.decoderLayers;
  const step = Math.max(flops.step / (peak * mfu * devices), layers * LAYER_SECONDS);
  const evaluating = flops.evaluation / (peak * mfu * devices);
  const start = START_SECONDS + (settings.max_steps >= STEPS_WORTH_COMPILING ? COMPILE_SECONDS : 0);
  return { seconds: start + step * settings.max_steps + evaluating, from: 'assumed', mfu };
}
