/** A sweep's records, what they measured, and the report folded from them. */
import type { TrialRecord } from '../core/records.js';
import { foldSweep, type SweepReport } from '../reports/sweep-report.js';
import { collected, type Measured, type SweepReader } from './sweep-reader.js';
import { findTeacherQuality } from './teacher-quality.js';

export interface LoadedReport {
  readonly report: SweepReport;
  readonly records: readonly TrialRecord[];
  readonly measured: Measured;
}

/** `home`: where what the datasets' teachers are worth is kept. */
export async function loadReport(reader: SweepReader, sweep: string, home: string): Promise<LoadedReport> {
  const records = await collected(reader.trials(sweep));
  const teachers = await findTeacherQuality(
    records.map(({ trial }) => trial),
    home,
  );
  const measured = await reader.measured(sweep);
  const steps = new Map(records.map(({ trial, result }) => [trial.trialId, result?.selectedStep]));
  const bitsOf = (trialId: string) => {
    const { evaluations } = measured.measurements(trialId);
    return evaluations.findLast(({ split, step }) => split === 'test' && step === steps.get(trialId)) ?? null;
  };
  return { report: foldSweep(sweep, records, teachers, bitsOf), records, measured };
}
