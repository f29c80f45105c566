/** What trials were planned to take beside what they took: whether the next plan is to be believed. */
import { againstSeen, type KindComparison, medianOf, type PlannedAndSeen } from '../core/cost/against-seen.js';
import type { TrialRecord } from '../core/records.js';
import { type Cell, isPresent } from './cells.js';
import { grouped } from './grouped.js';
import { measuresOf } from './measures.js';

/** Seconds that a plan gives a trial; `null`: it gives none. */
export type PlannedSecondsOf = (record: TrialRecord) => number | null;

/** A cell's trials; medians over them. */
export interface PlannedCell extends KindComparison {
  readonly plannedSeconds: number | null;
  readonly seenSeconds: number | null;
  readonly plannedBytes: number | null;
  readonly seenBytes: number | null;
}

/** By the keys of cells. Trials that went on from a checkpoint took more than they say, and are left out. */
export function plannedCells(
  cells: readonly Cell[],
  records: readonly TrialRecord[],
  plannedSecondsOf: PlannedSecondsOf,
): ReadonlyMap<string, PlannedCell> {
  const cellOf = new Map(cells.flatMap(({ key, seeds }) => seeds.map(({ trialId }) => [trialId, key] as const)));
  const trials = records.flatMap((record): PlannedAndSeen[] => {
    const { trial, result } = record;
    if (result === null || result.resumedStep > 0) return [];
    const { peakMemoryBytes, predictedMemoryBytes } = measuresOf(result);
    return [
      {
        kind: cellOf.get(trial.trialId) ?? '',
        plannedSeconds: plannedSecondsOf(record),
        seenSeconds: result.seconds,
        plannedBytes: predictedMemoryBytes,
        seenBytes: peakMemoryBytes ?? 0,
      },
    ];
  });
  const compared = new Map(againstSeen(trials).map((each) => [each.kind, each]));
  return new Map(
    grouped(trials, ({ kind }) => kind).flatMap((own) => {
      const [{ kind }] = own;
      const comparison = compared.get(kind);
      const median = (name: 'plannedSeconds' | 'seenSeconds' | 'plannedBytes' | 'seenBytes') =>
        medianOf(own.map((each) => each[name]).filter((value) => isPresent(value) && value > 0) as number[]);
      if (comparison === undefined) return [];
      const cell: PlannedCell = {
        ...comparison,
        plannedSeconds: median('plannedSeconds'),
        seenSeconds: median('seenSeconds'),
        plannedBytes: median('plannedBytes'),
        seenBytes: median('seenBytes'),
      };
      return [[kind, cell] as const];
    }),
  );
}
