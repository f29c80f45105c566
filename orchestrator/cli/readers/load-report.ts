/** The records of one sweep or several, what they measured, and the report folded from them. */
import { join } from 'node:path';
import type { TrialRecord } from '../../core/records.js';
import { readComparisons } from '../../core/sweep/compare-section.js';
import type { BitsOf, Declaration } from '../../reports/comparisons.js';
import type { MadeByCode } from '../../reports/manifest.js';
import { foldSweep, type SweepReport } from '../../reports/sweep-report.js';
import { readPublished } from '../../sources/published-numbers.js';
import { findTeacherQuality } from '../data/teacher-quality.js';
import { note } from '../output.js';
import { ownCode } from '../own-code.js';
import { packageRoot } from '../python.js';
import { planAgain } from './planned-again.js';
import { collected, type Measured, mustHaveSweep, type SweepReader } from './sweep-reader.js';
import { datasetsThatChanged } from './trained-data.js';

export interface LoadedReport {
  readonly report: SweepReport;
  readonly records: readonly TrialRecord[];
  readonly measured: Measured;
  readonly bitsOf: BitsOf;
  /** That folded it. */
  readonly code: MadeByCode;
}

/**
 * A trial that several sweeps have is there once.
 *
 * @param home where what the datasets' teachers are worth is kept
 * @param findTeachers a benchmark has datasets that are nowhere
 */
export async function loadReport(
  reader: SweepReader,
  sweeps: readonly string[],
  home: string,
  findTeachers = findTeacherQuality,
): Promise<LoadedReport> {
  const records = new Map<string, TrialRecord>();
  const declarations: Declaration[] = [];
  const measured = new Map<string, Measured>();
  for (const sweep of sweeps) {
    const own = await collected(reader.trials(sweep));
    const ownMeasured = await reader.measured(sweep);
    for (const record of own) {
      const { trialId } = record.trial;
      if (!records.has(trialId)) records.set(trialId, record);
      measured.set(trialId, ownMeasured);
    }
    declarations.push(await declarationOf(reader, sweep, own));
  }
  const all = [...records.values()];
  const trials = all.map(({ trial }) => trial);
  const leftOut = await datasetsThatChanged(trials, home);
  const teachers = await findTeachers(
    trials.filter(({ settings }) => !leftOut.has(settings.dataset)),
    home,
  );
  const measurements: Measured['measurements'] = (trialId) =>
    measured.get(trialId)?.measurements(trialId) ?? { training: [], evaluations: [] };
  const bitsOf: BitsOf = (trialId) => {
    const step = records.get(trialId)?.result?.selectedStep;
    return measurements(trialId).evaluations.findLast((each) => each.split === 'test' && each.step === step) ?? null;
  };
  const again = await planAgain(all);
  const publishedNumbers = await readPublished(join(packageRoot(), 'datasets', 'published'));
  const report = foldSweep(nameFor(sweeps), all, teachers, {
    bitsOf,
    sweeps,
    declarations,
    teachersLeftOut: [...leftOut.values()],
    publishedNumbers,
    ...again,
  });
  return { report, records: all, measured: { measurements }, bitsOf, code: await ownCode() };
}

async function declarationOf(
  reader: SweepReader,
  sweep: string,
  records: readonly TrialRecord[],
): Promise<Declaration> {
  const record = await mustHaveSweep(reader, sweep);
  const { standing } = record;
  const comparisons = readComparisons(standing.options.compare);
  // Of another version of dss. All else can be reported, with every comparison as one that nobody declared.
  if (comparisons === null)
    note(`what ${sweep} declares to compare cannot be read here, and is left out of the report`);
  const trialIds = new Set(records.map(({ trial }) => trial.trialId));
  const declaresSome = (comparisons ?? []).length > 0;
  const history = declaresSome ? await reader.history(record) : null;
  return {
    sweep,
    comparisons: comparisons ?? [],
    atUnixMs: history?.declaredAtUnixMs ?? standing.declaredAtUnixMs,
    history,
    has: (trialId) => trialIds.has(trialId),
  };
}

/** Folders and headings have no room for many names. */
const MOST_NAMED = 3;

function nameFor(sweeps: readonly string[]): string {
  const more = sweeps.length - MOST_NAMED;
  return more > 0 ? `${sweeps.slice(0, MOST_NAMED).join('+')}+${more}-more` : sweeps.join('+');
}
