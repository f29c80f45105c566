/** A sweep for reports: two methods, three shares, three seeds, one of which has failed; with what they measured. */
import type { TrialMeasurements, TrialRecord } from '../../orchestrator/core/records.js';
import type { MadeByCode } from '../../orchestrator/reports/manifest.js';
import { foldSweep, type TeacherQuality } from '../../orchestrator/reports/sweep-report.js';
import type { ReportParts } from '../../orchestrator/reports/write-report.js';
import { evaluationOf, failed, succeeded } from './records.js';

const SHARES = [0.25, 0.5, 1];
const SEEDS = [0, 1, 2];

const TEACHERS: readonly TeacherQuality[] = [
  {
    dataset: 'cqa',
    teacher: 'palm',
    split: 'test',
    rows: 20,
    labelAccuracy: 0.62,
    rationaleCoverage: 0.9,
    rationaleWords: { mean: 31.25, p99: 80 },
  },
];

export const MEASURED: TrialMeasurements = {
  training: [
    { step: 50, loss: 3 },
    { step: 100, loss: 2.5 },
  ],
  evaluations: [
    evaluationOf({ step: 50, accuracy: 0.25 }),
    evaluationOf({ step: 100 }),
    evaluationOf({ step: 100, split: 'test', loss: 1.5 }),
  ],
};

/** The model's name is whatever a test needs to be escaped. */
export function reportRecords(model = 'models/tiny'): readonly TrialRecord[] {
  const done = (['standard', 'task_prefix'] as const).flatMap((model_type, better) =>
    SHARES.flatMap((subsample) =>
      SEEDS.map((seed) =>
        succeeded(
          { model, model_type, subsample, seed },
          { testAccuracy: 0.5 + subsample / 10 + seed ** 2 / 50 + better / 20 },
        ),
      ),
    ),
  );
  return [...done, failed({ model, seed: 3 })];
}

export const CODE: MadeByCode = {
  controlPlane: { ending: '.ts', files: 2, sha256: 'a'.repeat(64) },
  worker: { ending: '.py', files: 1, sha256: 'b'.repeat(64) },
};

export function reportParts(records: readonly TrialRecord[] = reportRecords()): ReportParts {
  return {
    report: foldSweep('s', records, TEACHERS),
    records,
    measured: { measurements: () => MEASURED },
    version: '1.2.3',
    code: CODE,
  };
}
