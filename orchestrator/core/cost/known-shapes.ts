/** Models that can be planned before anything of them is on disk. Source: config.json of each on the hub. */
import type { T5Shape } from './shape.js';

const T5 = { vocabulary: 32_128, headWidth: 64, buckets: 32 };

function shape(
  [width, feedForward, layers, heads]: readonly [number, number, number, number],
  kind: Pick<T5Shape, 'isGated' | 'isTied'>,
  headWidth = T5.headWidth,
): T5Shape {
  return { ...T5, ...kind, width, headWidth, feedForward, heads, encoderLayers: layers, decoderLayers: layers };
}

const V1_1 = { isGated: true, isTied: false };
const V1_0 = { isGated: false, isTied: true };

const SMALL = shape([512, 1_024, 8, 6], V1_1);
const BASE = shape([768, 2_048, 12, 12], V1_1);
const LARGE = shape([1_024, 2_816, 24, 16], V1_1);
const XL = shape([2_048, 5_120, 24, 32], V1_1);
const XXL = shape([4_096, 10_240, 24, 64], V1_1);

/** By hub name. FLAN-T5 was trained on from v1.1, and has its sizes. */
export const KNOWN_SHAPES: ReadonlyMap<string, T5Shape> = new Map([
  ['google/t5-v1_1-small', SMALL],
  ['google/t5-v1_1-base', BASE],
  ['google/t5-v1_1-large', LARGE],
  ['google/t5-v1_1-xl', XL],
  ['google/t5-v1_1-xxl', XXL],
  ['google/flan-t5-small', SMALL],
  ['google/flan-t5-base', BASE],
  ['google/flan-t5-large', LARGE],
  ['google/flan-t5-xl', XL],
  ['google/flan-t5-xxl', XXL],
  ['google-t5/t5-small', shape([512, 2_048, 6, 8], V1_0)],
  ['google-t5/t5-base', shape([768, 3_072, 12, 12], V1_0)],
  ['google-t5/t5-large', shape([1_024, 4_096, 24, 16], V1_0)],
  ['google-t5/t5-3b', shape([1_024, 16_384, 24, 32], V1_0, 128)],
  ['google-t5/t5-11b', shape([1_024, 65_536, 24, 128], V1_0, 128)],
]);

/** `dropout_rate` of all of them. */
export const KNOWN_DROPOUT = 0.1;
