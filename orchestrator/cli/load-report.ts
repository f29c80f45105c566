/** A sweep's records and the report folded from them. */
import type { JournalReader, TrialRecord } from '../journal/journal.js';
import { foldSweep, type SweepReport } from '../reports/sweep-report.js';
import { findTeacherQuality } from './teacher-quality.js';

export async function loadReport(
  journal: JournalReader,
  sweep: string,
  home: string,
): Promise<{ readonly report: SweepReport; readonly records: readonly TrialRecord[] }> {
  const records = [...journal.trials(sweep)];
  const teachers = await findTeacherQuality(
    records.map(({ trial }) => trial),
    home,
  );
  return { report: foldSweep(sweep, records, teachers), records };
}
