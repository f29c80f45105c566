/** How far each trial is that runs, by what its worker said last. */
import type { Progress } from '../core/domain.js';
import type { TrialProgress } from '../core/trial-progress.js';
import type { Journal } from '../journal/journal.js';

export class RunningTrials {
  readonly #journal: Journal;
  readonly #trials = new Map<string, TrialProgress>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** By another attempt than the one before. */
  begun(trialId: string, maxSteps: number): void {
    this.#trials.set(trialId, { trialId, step: 0, maxSteps, loss: 0, examplesPerSecond: 0, phase: '' });
  }

  hear(trialId: string, progress: Progress): void {
    this.#trials.set(trialId, { ...this.of(trialId), ...progress });
  }

  ended(trialId: string): void {
    this.#trials.delete(trialId);
  }

  of(trialId: string): TrialProgress {
    // Else it was lent by a former control plane.
    if (!this.#trials.has(trialId)) this.begun(trialId, this.#journal.trial(trialId)?.trial.settings.max_steps ?? 0);
    return this.#trials.get(trialId) as TrialProgress;
  }
}
