/** A sweep's results folded into what every output format shows. */
import type { Teacher, TrialState } from '../core/domain.js';
import { NO_TRIALS } from '../core/watch-event.js';
import type { TrialRecord } from '../journal/journal.js';
import { type Cell, foldCells } from './cells.js';
import { type BitsOf, type Comparison, compareMethods } from './comparisons.js';
import { type DevicePeak, devicePeaks } from './device-peaks.js';
import { type MixedEnvironment, mixedEnvironmentOf } from './mixed-environment.js';
import { type TimeSpent, timeSpent } from './time-spent.js';

/** How good a teacher's own outputs are on one split. */
export interface TeacherQuality {
  readonly dataset: string;
  /** `null`: the dataset's own teacher, whose labels lie in the rows. */
  readonly teacher: Teacher | null;
  readonly split: 'train' | 'valid' | 'test';
  readonly rows: number;
  /** Share of rows whose teacher label is right, in [0, 1]. */
  readonly labelAccuracy: number;
  /** Share of rows with a rationale, in [0, 1]. */
  readonly rationaleCoverage: number | null;
}

export interface FailedTrial {
  readonly trialId: string;
  readonly settings: TrialRecord['trial']['settings'];
  readonly attempts: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly endedAtUnixMs: number | null;
}

export interface SweepReport {
  readonly sweep: string;
  readonly total: number;
  readonly counts: Readonly<Record<TrialState, number>>;
  readonly cells: readonly Cell[];
  readonly comparisons: readonly Comparison[];
  readonly teachers: readonly TeacherQuality[];
  /** The one that failed first, first. */
  readonly failures: readonly FailedTrial[];
  /** Sum over the succeeded attempts. */
  readonly trialSeconds: number;
  readonly timeSpent: TimeSpent;
  readonly devicePeaks: readonly DevicePeak[];
  /** From the first start to the last end; the pauses between several calls count. `null`: nothing ended. */
  readonly spanSeconds: number | null;
  /** Over all trials; each cell has its own. */
  readonly mixedEnvironment: MixedEnvironment;
}

export function foldSweep(
  sweep: string,
  records: readonly TrialRecord[],
  teachers: readonly TeacherQuality[],
  bitsOf?: BitsOf,
): SweepReport {
  const cells = foldCells(records);
  const counts = { ...NO_TRIALS };
  for (const { state } of records) counts[state] += 1;
  return {
    sweep,
    total: records.length,
    counts,
    cells,
    comparisons: compareMethods(cells, bitsOf),
    teachers,
    failures: failuresOf(records),
    trialSeconds: records.reduce((sum, { result }) => sum + (result?.seconds ?? 0), 0),
    timeSpent: timeSpent(records),
    devicePeaks: devicePeaks(records),
    spanSeconds: spanOf(records),
    mixedEnvironment: mixedEnvironmentOf(records),
  };
}

function failuresOf(records: readonly TrialRecord[]): readonly FailedTrial[] {
  return records
    .filter(({ state }) => state === 'failed')
    .map(({ trial, attempts, failure, endedAtUnixMs }) => ({
      trialId: trial.trialId,
      settings: trial.settings,
      attempts,
      code: failure?.code ?? 'UNKNOWN',
      message: failure?.message ?? '',
      hint: failure?.hint ?? '',
      endedAtUnixMs,
    }))
    .sort((a, b) => (a.endedAtUnixMs ?? Infinity) - (b.endedAtUnixMs ?? Infinity));
}

function spanOf(records: readonly TrialRecord[]): number | null {
  let [first, last] = [Infinity, -Infinity];
  for (const { startedAtUnixMs, endedAtUnixMs } of records) {
    if (startedAtUnixMs === null || endedAtUnixMs === null) continue;
    first = Math.min(first, startedAtUnixMs);
    last = Math.max(last, endedAtUnixMs);
  }
  return last < first ? null : (last - first) / 1000;
}
