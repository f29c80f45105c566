/** A state folder with sweep `tracked`: two methods, three seeds each, one of which failed, one of which logged NaN. */
import type { Trial } from '../../../orchestrator/core/domain.js';
import type { TrialMeasurements } from '../../../orchestrator/core/records.js';
import { openJournal } from '../../../orchestrator/journal/sqlite/sqlite-journal.js';
import { partOf } from '../../support/parts.js';
import { evaluationOf, failed, resultOf, trialOf } from '../../support/records.js';

export const SWEEP = 'tracked';
export const START_MS = 1_700_000_000_000;
const TRIAL_MS = 10_000;

export const TRIALS: readonly Trial[] = (['standard', 'task_prefix'] as const).flatMap((model_type) =>
  [0, 1, 2].map((seed) => trialOf({ model_type, seed, model: 'models/tïny' })),
);

/** The last one fails. */
export const FAILED = TRIALS.length - 1;

export function accuracyOf(place: number): number {
  return 0.5 + place / 51;
}

/** What the trial at a place logs, up to a step. */
export function measuredBy(place: number, lastStep = 100): TrialMeasurements {
  const all: TrialMeasurements = {
    training: [
      { step: 50, loss: 3 - place / 7 },
      { step: 100, loss: place === 1 ? Number.NaN : 2.5 - place / 7 },
    ],
    evaluations: [
      evaluationOf({ step: 50, accuracy: 0.25 + place / 100, choiceAccuracy: 0.75 }),
      evaluationOf({ step: 100, accuracy: accuracyOf(place), choiceAccuracy: 0.8 }),
      evaluationOf({ step: 100, split: 'test', loss: 1.5, accuracy: accuracyOf(place) }),
    ],
  };
  return {
    training: all.training.filter(({ step }) => step <= lastStep),
    evaluations: all.evaluations.filter(({ step }) => step <= lastStep),
  };
}

/** How far trials have come: of those before `done` all, of the next the first half, of the others nothing. */
export function writeTrackedSweep(home: string, done = TRIALS.length): void {
  const journal = openJournal(home);
  journal.transaction(() => {
    if (journal.sweep(SWEEP) === null) journal.submit(partOf(SWEEP, [], { trials: TRIALS }), START_MS);
    for (const [place, trial] of TRIALS.entries()) {
      const at = START_MS + place * TRIAL_MS;
      const record = journal.trial(trial.trialId);
      if (place > done || record?.state === 'succeeded' || record?.state === 'failed') continue;
      const lease =
        record?.state === 'running' ? leaseOf(home, trial.trialId) : journal.begin(trial.trialId, 'w0', at).lease;
      leases.set(`${home} ${trial.trialId}`, lease);
      journal.measure(lease, measuredBy(place, place === done ? 50 : 100), at + TRIAL_MS / 2);
      if (place === done) continue;
      const failure = failed({}).failure;
      if (place === FAILED && failure !== null) journal.fail(lease, failure, at + TRIAL_MS);
      else {
        const environment = { torch: '2.15.0', 'gpu:name': 'none' };
        const testAccuracy = accuracyOf(place);
        journal.finish(lease, resultOf({ testAccuracy, environment, choiceAccuracy: 0.8 }), at + TRIAL_MS);
      }
    }
  });
  journal.close();
}

type Lease = ReturnType<ReturnType<typeof openJournal>['begin']>['lease'];
const leases = new Map<string, Lease>();

function leaseOf(home: string, trialId: string): Lease {
  const lease = leases.get(`${home} ${trialId}`);
  if (lease === undefined) throw new Error(`${trialId} runs, and not for us`);
  return lease;
}

/** Run again from the beginning, with other numbers. */
export function rerun(home: string, place: number, testAccuracy: number): void {
  const journal = openJournal(home);
  const trialId = TRIALS[place]?.trialId ?? '';
  const at = START_MS + 10 * TRIAL_MS;
  journal.transaction(() => {
    journal.queueAgain(trialId, at);
    const { lease } = journal.begin(trialId, 'w1', at);
    journal.measure(lease, { training: [{ step: 50, loss: 9 }], evaluations: [] }, at + 1);
    journal.finish(lease, resultOf({ testAccuracy }), at + TRIAL_MS);
  });
  journal.close();
}
