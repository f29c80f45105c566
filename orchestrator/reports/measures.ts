/** How well trials used their hardware. What was not measured, in results of older engines, is absent and not zero. */
import type { TrialResult } from '../core/domain.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';

export interface Measures {
  /** The step that the attempt went on from; 0: the beginning. */
  readonly resumedStep: number;
  readonly examplesPerSecond: number | null;
  readonly usefulTokensPerSecond: number | null;
  readonly paddedTokensPerSecond: number | null;
  readonly mfuUseful: number | null;
  readonly mfuPadded: number | null;
  readonly peakFlops: number | null;
  readonly peakFlopsSource: string | null;
  readonly peakMemoryBytes: number | null;
  readonly predictedMemoryBytes: number | null;
}

/** Of a training without a second or a step's work, too, there is nothing to show. */
export function measuresOf(result: TrialResult): Measures {
  return {
    resumedStep: result.resumedStep,
    examplesPerSecond: positive(result.examplesPerSecond),
    usefulTokensPerSecond: positive(result.usefulTokensPerSecond),
    paddedTokensPerSecond: positive(result.paddedTokensPerSecond),
    mfuUseful: positive(result.mfuUseful),
    mfuPadded: positive(result.mfuPadded),
    peakFlops: positive(result.peakFlops),
    peakFlopsSource: result.peakFlopsSource || null,
    peakMemoryBytes: positive(result.peakMemoryBytes),
    predictedMemoryBytes: positive(result.predictedMemoryBytes),
  };
}

/** Also for `undefined`, which a result has where its writer knew nothing of the field. */
function positive(value: number | undefined): number | null {
  return value !== undefined && value > 0 ? value : null;
}

export interface MeasuresOverSeeds {
  readonly examplesPerSecond: Sample;
  readonly usefulTokensPerSecond: Sample;
  readonly paddedTokensPerSecond: Sample;
  readonly mfuUseful: Sample;
  readonly mfuPadded: Sample;
  /** The most of any seed: memory has to do for each. */
  readonly peakMemoryBytes: number | null;
  readonly predictedMemoryBytes: number | null;
}

export function foldMeasures(measures: readonly Measures[]): MeasuresOverSeeds {
  const values = (name: Exclude<keyof Measures, 'peakFlopsSource'>) =>
    measures.flatMap((each) => (each[name] === null ? [] : [each[name]]));
  const most = (numbers: readonly number[]) => (numbers.length === 0 ? null : Math.max(...numbers));
  return {
    examplesPerSecond: sampleOf(values('examplesPerSecond')),
    usefulTokensPerSecond: sampleOf(values('usefulTokensPerSecond')),
    paddedTokensPerSecond: sampleOf(values('paddedTokensPerSecond')),
    mfuUseful: sampleOf(values('mfuUseful')),
    mfuPadded: sampleOf(values('mfuPadded')),
    peakMemoryBytes: most(values('peakMemoryBytes')),
    predictedMemoryBytes: most(values('predictedMemoryBytes')),
  };
}

/** For programs. */
export function measuresValue(measures: Measures): Readonly<Record<string, number | string | null>> {
  return {
    resumed_step: measures.resumedStep,
    examples_per_second: measures.examplesPerSecond,
    useful_tokens_per_second: measures.usefulTokensPerSecond,
    padded_tokens_per_second: measures.paddedTokensPerSecond,
    mfu_useful: measures.mfuUseful,
    mfu_padded: measures.mfuPadded,
    peak_flops: measures.peakFlops,
    peak_flops_source: measures.peakFlopsSource,
    peak_memory_bytes: measures.peakMemoryBytes,
    predicted_memory_bytes: measures.predictedMemoryBytes,
  };
}
