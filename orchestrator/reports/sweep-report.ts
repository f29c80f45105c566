/** A sweep's results folded into what every output format shows. */
import type { Teacher, TrialState } from '../core/domain.js';
import type { PublishedNumber } from '../core/published-number.js';
import type { TrialRecord } from '../core/records.js';
import { NO_TRIALS } from '../core/watch-event.js';
import { type CellIntervals, cellIntervals } from './cell-intervals.js';
import { type Cell, foldCells } from './cells.js';
import { type BitsOf, type Comparison, compareCells, type Declaration } from './comparisons.js';
import { type Declared, declaredOf } from './declared.js';
import { type DevicePeak, devicePeaks } from './device-peaks.js';
import type { ParametersOf } from './figures/size-curves.js';
import { type MixedEnvironment, mixedEnvironmentOf } from './mixed-environment.js';
import { type PlannedCell, type PlannedSecondsOf, plannedCells } from './planned.js';
import { type PublishedVerdict, publishedVerdicts } from './published.js';
import type { TeacherLeftOut } from './teacher-of.js';
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
  /** How long rationales are: the mean, and what one in a hundred exceeds. */
  readonly rationaleWords: { readonly mean: number; readonly p99: number } | null;
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
  /** The sweep's name, or a name for several of them. */
  readonly sweep: string;
  /** Whose trials are in it. */
  readonly sweeps: readonly string[];
  readonly total: number;
  readonly counts: Readonly<Record<TrialState, number>>;
  readonly cells: readonly Cell[];
  /** Of their means, by the keys of cells. */
  readonly intervals: ReadonlyMap<string, CellIntervals>;
  /** Those that were declared first. */
  readonly comparisons: readonly Comparison[];
  /** `null`: nobody declared any. */
  readonly declared: Declared | null;
  readonly teachers: readonly TeacherQuality[];
  readonly teachersLeftOut: readonly TeacherLeftOut[];
  /** Cells beside what others have published. */
  readonly published: readonly PublishedVerdict[];
  /** Of models, by their names; those that are not known are left out. */
  readonly parameters: Readonly<Record<string, number>>;
  /** By the keys of cells. */
  readonly planned: ReadonlyMap<string, PlannedCell>;
  /** The one that failed first, first. */
  readonly failures: readonly FailedTrial[];
  /** Sum over the succeeded attempts. */
  readonly trialSeconds: number;
  readonly timeSpent: TimeSpent;
  readonly devicePeaks: readonly DevicePeak[];
  /** From the first start to the last end; the pauses between several calls count. `null`: nothing ended. */
  readonly spanSeconds: number | null;
  /** Over all trials; what a cell's ran on is one. */
  readonly mixedEnvironment: MixedEnvironment;
}

/** What is known beside the trials. */
export interface ReportContext {
  readonly bitsOf?: BitsOf;
  /** Default: the one of the report's name. */
  readonly sweeps?: readonly string[];
  readonly declarations?: readonly Declaration[];
  readonly teachersLeftOut?: readonly TeacherLeftOut[];
  readonly parametersOf?: ParametersOf;
  readonly plannedSecondsOf?: PlannedSecondsOf;
  readonly publishedNumbers?: readonly PublishedNumber[];
}

export function foldSweep(
  sweep: string,
  records: readonly TrialRecord[],
  teachers: readonly TeacherQuality[],
  {
    sweeps = [sweep],
    declarations = [],
    teachersLeftOut = [],
    parametersOf = () => null,
    plannedSecondsOf = () => null,
    publishedNumbers = [],
    ...context
  }: ReportContext = {},
): SweepReport {
  const cells = foldCells(records);
  const comparisons = compareCells(cells, { ...context, declarations });
  const counts = { ...NO_TRIALS };
  for (const { state } of records) counts[state] += 1;
  return {
    sweep,
    sweeps,
    total: records.length,
    counts,
    cells,
    intervals: cellIntervals(cells),
    comparisons,
    declared: declaredOf(cells, comparisons, declarations, records),
    teachers,
    teachersLeftOut,
    published: publishedVerdicts(cells, publishedNumbers),
    parameters: parametersIn(cells, parametersOf),
    planned: plannedCells(cells, records, plannedSecondsOf),
    failures: failuresOf(records),
    trialSeconds: records.reduce((sum, { result }) => sum + (result?.seconds ?? 0), 0),
    timeSpent: timeSpent(records),
    devicePeaks: devicePeaks(records),
    spanSeconds: spanOf(records),
    mixedEnvironment: mixedEnvironmentOf(records),
  };
}

function parametersIn(cells: readonly Cell[], parametersOf: ParametersOf): Readonly<Record<string, number>> {
  const models = new Set(cells.map(({ settings }) => settings.model));
  return Object.fromEntries(
    [...models].flatMap((model) => {
      const parameters = parametersOf(model);
      return parameters === null ? [] : [[model, parameters]];
    }),
  );
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
