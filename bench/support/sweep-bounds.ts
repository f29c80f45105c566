/** What bounds a sweep: where its workers' time went, and the least that its matrix products alone would take. */
import { trialFlops } from '../../orchestrator/core/cost/flops.js';
import { KNOWN_SHAPES } from '../../orchestrator/core/cost/known-shapes.js';
import { KNOWN_DATASETS } from '../../orchestrator/core/cost/lengths.js';
import type { SweepRun } from './dss-sweep.js';

export interface SweepBounds {
  /** Of all trials together, by phase: seconds of one worker. */
  readonly workerSeconds: Readonly<Record<string, number>>;
  /** All of training's and evaluation's products at the rate measured while the sweep ran, choices not among them. */
  readonly productSeconds: number;
}

export function boundsOf({ trials }: SweepRun, shapeName: string): SweepBounds {
  const workerSeconds: Record<string, number> = {};
  let productSeconds = 0;
  for (const { result, settings } of trials) {
    for (const [phase, seconds] of Object.entries(result.secondsByPhase)) {
      workerSeconds[phase] = (workerSeconds[phase] ?? 0) + seconds;
    }
    const shape = KNOWN_SHAPES.get(shapeName);
    const lengths = KNOWN_DATASETS.get(settings.dataset)?.lengths;
    if (shape === undefined || lengths === undefined)
      throw new Error(`${shapeName}, ${settings.dataset}: unknown size`);
    const rows = { train: result.trainRows, valid: result.validRows, test: result.testRows };
    const { training, evaluation } = trialFlops(shape, settings, lengths, rows);
    productSeconds += (training + evaluation) / result.peakFlops;
  }
  return { workerSeconds, productSeconds };
}

/** For a reader: `reference` is the wall time of the same trials by the reference, on `workers` cores. */
export function describeBounds(
  { workerSeconds, productSeconds }: SweepBounds,
  reference: number,
  workers: number,
): string {
  const all = Object.values(workerSeconds).reduce((sum, seconds) => sum + seconds, 0);
  const phases = Object.entries(workerSeconds)
    .filter(([, seconds]) => seconds >= all / 100)
    .sort(([, a], [, b]) => b - a)
    .map(([phase, seconds]) => `${phase} ${seconds.toFixed(0)} s (${((100 * seconds) / all).toFixed(0)} %)`);
  return [
    `Workers' seconds of the sweep: ${phases.join(', ')}.`,
    `The matrix products of training and evaluation alone take ${productSeconds.toFixed(0)} s at the rate measured on`,
    `these cores, ${((100 * productSeconds) / all).toFixed(0)} % of that: without padding, attention's softmax, dropout,`,
    `the optimizer and choices the sweep would be ${((reference * workers) / productSeconds).toFixed(2)} times the`,
    'reference, and no faster.',
  ].join('\n');
}
