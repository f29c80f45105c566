/**
 * How much a trial computes. The formula is that of `training/flops.py`, which says where it comes from; there it is
 * counted from every row's length, here from their mean and spread.
 */
import type { TrialSettings } from '../domain.js';
import { type Pair, pairsOf, square, type TokenLengths } from './lengths.js';
import { feedForwardMatrices, innerWidth, type T5Shape } from './shape.js';

/** Rows of the splits, after `subsample`. */
export interface SplitRows {
  readonly train: number;
  readonly valid: number;
  readonly test: number;
}

export interface TrialFlops {
  /** Of one optimizer step. */
  readonly step: number;
  readonly training: number;
  readonly evaluation: number;
}

export function trialFlops(
  shape: T5Shape,
  settings: TrialSettings,
  lengths: TokenLengths,
  { valid, test }: SplitRows,
): TrialFlops {
  const rank = settings.adapter === 'lora' ? settings.lora_rank : null;
  const step =
    rowsOfStep(settings) * pairsOf(lengths, settings).reduce((sum, pair) => sum + pairFlops(shape, pair, rank), 0);
  const evaluations = Math.ceil(settings.max_steps / settings.eval_steps);
  const rows = settings.select === 'compat' ? evaluations * test : evaluations * valid + test;
  // The answer alone is evaluated: forward, a third of a training step.
  const answer = pairsOf(lengths, { ...settings, alpha: 1 })[0];
  const evaluation = answer === undefined ? 0 : (rows * pairFlops(shape, answer, null)) / 3;
  return { step, training: step * settings.max_steps, evaluation };
}

/** An optimizer step's, whatever they are split into. */
function rowsOfStep({ batch_size, grad_steps }: Pick<TrialSettings, 'batch_size' | 'grad_steps'>): number {
  return batch_size * grad_steps;
}

/** Forward and backward, as expected of a pair. */
export function pairFlops(shape: T5Shape, { input, target }: Pair, loraRank: number | null): number {
  const inner = innerWidth(shape);
  const product = (columns: number) => (loraRank === null ? 6 : 4) * shape.width * columns;
  const adapted = (columns: number) => product(columns) + 6 * (loraRank ?? 0) * (shape.width + columns);
  const attention = adapted(inner);
  const feedForward = feedForwardMatrices(shape) * adapted(shape.feedForward);
  const { encoderLayers, decoderLayers } = shape;
  const inputToken = encoderLayers * (4 * attention + feedForward) + decoderLayers * 2 * attention;
  const targetToken = decoderLayers * (6 * attention + feedForward) + product(shape.vocabulary);
  const encoderCells = 12 * inner * encoderLayers * square(input);
  const decoderCells = 12 * inner * decoderLayers * (square(target) + target.mean * input.mean);
  return input.mean * inputToken + target.mean * targetToken + encoderCells + decoderCells;
}
