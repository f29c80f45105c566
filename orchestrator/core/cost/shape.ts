/** A T5's sizes, from its config alone: no weights, no torch. */
import { z } from 'zod';

export interface T5Shape {
  readonly vocabulary: number;
  /** `d_model`. */
  readonly width: number;
  /** `d_kv`. */
  readonly headWidth: number;
  readonly heads: number;
  /** `d_ff`. */
  readonly feedForward: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Of the feed-forward layer: two matrices into it. */
  readonly isGated: boolean;
  /** The output layer is the input embedding; T5 v1.1 has one of its own. */
  readonly isTied: boolean;
  readonly buckets: number;
}

const positive = z.number().int().min(1).max(10_000_000);
const size = (fallback: number) => positive.default(fallback);

/** Where a config says nothing, transformers' T5Config has these. */
const Config = z.object({
  model_type: z.literal('t5'),
  vocab_size: size(32_128),
  d_model: size(512),
  d_kv: size(64),
  d_ff: size(2_048),
  num_heads: size(8),
  num_layers: size(6),
  num_decoder_layers: positive.nullish(),
  feed_forward_proj: z.string().default('relu'),
  tie_word_embeddings: z.boolean().default(true),
  relative_attention_num_buckets: size(32),
});

/** `null`: it is no config of a T5. */
export function shapeOfConfig(config: unknown): T5Shape | null {
  const { success, data } = Config.safeParse(config);
  if (!success) return null;
  return {
    vocabulary: data.vocab_size,
    width: data.d_model,
    headWidth: data.d_kv,
    heads: data.num_heads,
    feedForward: data.d_ff,
    encoderLayers: data.num_layers,
    decoderLayers: data.num_decoder_layers ?? data.num_layers,
    isGated: data.feed_forward_proj.startsWith('gated-'),
    isTied: data.tie_word_embeddings,
    buckets: data.relative_attention_num_buckets,
  };
}

/** What all heads of a layer's attention read and write: `heads * d_kv`. */
export function innerWidth({ heads, headWidth }: T5Shape): number {
  return heads * headWidth;
}

/** Matrices of one feed-forward layer. */
export function feedForwardMatrices({ isGated }: T5Shape): number {
  return isGated ? 3 : 2;
}

/** Parameters of a layer, the relative positions of its stack left out. */
function blockParameters(shape: T5Shape): { readonly encoder: number; readonly decoder: number } {
  const attention = 4 * shape.width * innerWidth(shape);
  const feedForward = feedForwardMatrices(shape) * shape.width * shape.feedForward;
  return {
    encoder: attention + feedForward + 2 * shape.width,
    decoder: 2 * attention + feedForward + 3 * shape.width,
  };
}

export function parameterCount(shape: T5Shape): number {
  const { encoder, decoder } = blockParameters(shape);
  return shape.encoderLayers * encoder + shape.decoderLayers * decoder + outsideBlocks(shape);
}

/** Embedding, output layer, relative positions and last norm of both stacks. */
function outsideBlocks({ vocabulary, width, isTied, buckets, heads }: T5Shape): number {
  return (isTied ? 1 : 2) * vocabulary * width + 2 * buckets * heads + 2 * width;
}

/**
 * Of a model that several processes share: parameters of the others that one has for a pass. All that is in no layer,
 * and two layers: the next one's weights are fetched while one is run.
 */
export function gatheredParameters(shape: T5Shape): number {
  return outsideBlocks(shape) + 2 * blockParameters(shape).decoder;
}

/** LoRA's two thin matrices beside each of a layer's, in both stacks. */
export function adapterParameters(shape: T5Shape, rank: number): number {
  const attention = 4 * (shape.width + innerWidth(shape));
  const feedForward = feedForwardMatrices(shape) * (shape.width + shape.feedForward);
  const encoder = shape.encoderLayers * (attention + feedForward);
  return rank * (encoder + shape.decoderLayers * (2 * attention + feedForward));
}
