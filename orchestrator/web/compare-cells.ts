/** Any two cells that a person picks, seed by seed, as they fill up. */
import type { TrialRecord } from '../core/records.js';
import { type Sample, sampleOf } from '../core/statistics/sample.js';
import { type Interval, meanInterval } from '../core/statistics/student-t.js';
import type { JournalReader } from '../journal/journal.js';
import { type Inference, infer, type TestBits } from '../reports/inference.js';
import { isMixed, mixedEnvironmentOf } from '../reports/mixed-environment.js';

export interface ComparedCell {
  /** Over its seeds; none where they ran on what does not compare. */
  readonly accuracy: Sample;
  /** For the mean over seeds, by t. */
  readonly interval: Interval | null;
  readonly seeds: readonly { readonly seed: number; readonly accuracy: number }[];
}

export interface CellComparison {
  readonly first: ComparedCell;
  readonly second: ComparedCell;
  /** Second minus first, over the seeds that both have a result for; none where any of these do not compare. */
  readonly difference: Sample;
  readonly pairs: readonly { readonly seed: number; readonly difference: number }[];
  readonly inference: Inference;
}

export function compareTwo(
  journal: JournalReader,
  first: readonly TrialRecord[],
  second: readonly TrialRecord[],
): CellComparison {
  const others = new Map(second.flatMap((record) => (record.result === null ? [] : [[seedOf(record), record]])));
  const both = first.flatMap((record) => {
    const other = others.get(seedOf(record));
    return record.result === null || other?.result == null ? [] : [{ record, other, seed: seedOf(record) }];
  });
  const pairs = both.map(({ record, other, seed }) => ({ seed, difference: accuracyOf(other) - accuracyOf(record) }));
  const mixed = mixedEnvironmentOf([...first, ...second]);
  const difference = sampleOf(isMixed(mixed) ? [] : pairs.map((pair) => pair.difference));
  const compared = {
    difference,
    pairedBy: 'seed' as const,
    mixed,
    pairs: both.map(({ record, other }, place) => ({
      difference: pairs[place]?.difference ?? 0,
      baseline: bitsOf(journal, record),
      candidate: bitsOf(journal, other),
    })),
  };
  const [inference] = infer([compared]) as [Inference];
  return { first: cellOf(first), second: cellOf(second), difference, pairs, inference };
}

function cellOf(records: readonly TrialRecord[]): ComparedCell {
  const seeds = records.flatMap((record) =>
    record.result === null ? [] : [{ seed: seedOf(record), accuracy: accuracyOf(record) }],
  );
  const accuracy = sampleOf(isMixed(mixedEnvironmentOf(records)) ? [] : seeds.map((each) => each.accuracy));
  return { accuracy, interval: meanInterval(accuracy), seeds };
}

function seedOf({ trial }: TrialRecord): number {
  return trial.settings.seed;
}

function accuracyOf({ result }: TrialRecord): number {
  return result?.testAccuracy ?? Number.NaN;
}

function bitsOf(journal: JournalReader, { trial, result }: TrialRecord): TestBits | null {
  const { evaluations } = journal.measurements(trial.trialId);
  return evaluations.findLast(({ split, step }) => split === 'test' && step === result?.selectedStep) ?? null;
}
