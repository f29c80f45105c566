/** Any two cells that a person picks, seed by seed, as they fill up. */
import type { TrialRecord } from '../core/records.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import { type Interval, meanInterval, withinShares } from '../core/statistics/student-t.js';
import type { JournalReader } from '../journal/journal.js';
import { testAccuracyOf } from '../reports/cells.js';
import { type Inference, infer, type TestBits } from '../reports/inference.js';
import { isMixed, mixedEnvironmentOf } from '../reports/mixed-environment.js';

export interface ComparedCell {
  /** Over the seeds that measured a number; none where they ran on what does not compare. */
  readonly accuracy: Sample;
  /** For the mean over seeds, by t. */
  readonly interval: Interval | null;
  readonly seeds: readonly { readonly seed: number; readonly accuracy: number }[];
}

export interface CellComparison {
  readonly first: ComparedCell;
  readonly second: ComparedCell;
  /** Second minus first, over the seeds that both measured a number for; none where any of these do not compare. */
  readonly difference: Sample;
  readonly pairs: readonly { readonly seed: number; readonly difference: number }[];
  readonly inference: Inference;
}

export function compareTwo(
  journal: JournalReader,
  first: readonly TrialRecord[],
  second: readonly TrialRecord[],
): CellComparison {
  const others = new Map(measuredOf(second).map((each) => [each.seed, each]));
  const both = measuredOf(first).flatMap((own) => {
    const other = others.get(own.seed);
    return other === undefined ? [] : [{ own, other }];
  });
  const pairs = both.map(({ own, other }) => ({ seed: own.seed, difference: other.accuracy - own.accuracy }));
  const mixed = mixedEnvironmentOf([...first, ...second]);
  const difference = sampleOf(isMixed(mixed) ? [] : pairs.map((pair) => pair.difference));
  const compared = {
    difference,
    pairedBy: 'seed' as const,
    mixed,
    pairs: both.map(({ own, other }, place) => ({
      difference: pairs[place]?.difference ?? 0,
      baseline: bitsOf(journal, own.record),
      candidate: bitsOf(journal, other.record),
    })),
  };
  const [inference] = infer([compared]) as [Inference];
  return { first: cellOf(first), second: cellOf(second), difference, pairs, inference };
}

function cellOf(records: readonly TrialRecord[]): ComparedCell {
  const seeds = measuredOf(records).map(({ seed, accuracy }) => ({ seed, accuracy }));
  const accuracy = sampleOf(isMixed(mixedEnvironmentOf(records)) ? [] : seeds.map((each) => each.accuracy));
  return { accuracy, interval: withinShares(meanInterval(accuracy)), seeds };
}

interface MeasuredSeed {
  readonly seed: number;
  readonly accuracy: number;
  readonly record: TrialRecord;
}

function measuredOf(records: readonly TrialRecord[]): readonly MeasuredSeed[] {
  return records.flatMap((record) => {
    const accuracy = testAccuracyOf(record.result);
    return accuracy === null ? [] : [{ seed: record.trial.settings.seed, accuracy, record }];
  });
}

function bitsOf(journal: JournalReader, { trial, result }: TrialRecord): TestBits | null {
  const { evaluations } = journal.measurements(trial.trialId);
  return evaluations.findLast(({ split, step }) => split === 'test' && step === result?.selectedStep) ?? null;
}
