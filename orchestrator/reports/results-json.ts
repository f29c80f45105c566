/** A trial as `dss results --json` shows it; scripts rely on this shape. */
import type { TrialMeasurements, TrialRecord } from '../journal/journal.js';
import { measuresOf, measuresValue } from './measures.js';

export function resultValue(
  { trial, state, attempts, result }: TrialRecord,
  { training, evaluations }: TrialMeasurements,
): Readonly<Record<string, unknown>> {
  return {
    id: trial.trialId,
    settings: trial.settings,
    state,
    attempts,
    training: training.map(({ step, loss }) => ({ step, loss })),
    evaluations: evaluations.map(({ step, split, loss, accuracy }) => ({ step, split, loss, accuracy })),
    test_accuracy: result?.testAccuracy ?? null,
    seconds: result?.seconds ?? null,
    environment: result?.environment ?? {},
    choice_accuracy: result?.choiceAccuracy ?? null,
    seconds_by_phase: result?.secondsByPhase ?? {},
    measures: result === null ? null : measuresValue(measuresOf(result)),
  };
}
