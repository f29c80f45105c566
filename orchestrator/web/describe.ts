/** Journal rows as the web API says them. Paths of this machine and the settings' sources stay out. */
import type { SweepRecord, TrialMeasurements, TrialRecord } from '../core/records.js';
import type { CellComparison } from './compare-cells.js';

export function describeSweep({ sweep, submittedAtUnixMs, total, counts, standing }: SweepRecord) {
  const { state, reason, owner } = standing;
  return { sweep, submittedAtUnixMs, total, counts, state, reason, owner };
}

export function describeTrial({ trial, result, failure, ...record }: TrialRecord) {
  const { trialId, settings } = trial;
  const { state, attempts, queuedAtUnixMs, startedAtUnixMs, endedAtUnixMs } = record;
  return {
    trialId,
    state,
    attempts,
    settings,
    accuracy: result?.testAccuracy ?? null,
    seconds: result?.seconds ?? null,
    selectedStep: result?.selectedStep ?? null,
    failure: failure === null ? null : { ...failure },
    environment: result?.environment ?? {},
    queuedAtUnixMs,
    startedAtUnixMs,
    endedAtUnixMs,
  };
}

/** More points than a screen has columns are of no use to anybody. */
const MAX_POINTS = 2_000;

export function describeCurves({ training, evaluations }: TrialMeasurements) {
  const every = Math.max(1, Math.ceil(training.length / MAX_POINTS));
  const kept = training.filter((_, place) => place % every === 0 || place === training.length - 1);
  return {
    training: kept.map(({ step, loss }) => ({ step, loss: finite(loss) })),
    evaluations: evaluations.map(({ step, split, loss, accuracy, rows }) => {
      return { step, split, loss: finite(loss), accuracy: finite(accuracy), rows };
    }),
  };
}

export function describeComparison({ inference, ...compared }: CellComparison) {
  const { significance, interval } = inference;
  const isTested = significance.kind === 'tested';
  return {
    ...compared,
    interval,
    test: isTested ? { name: significance.by, p: significance.p } : null,
    untested: isTested ? '' : significance.reason,
  };
}

/** JSON has no word for the others. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
