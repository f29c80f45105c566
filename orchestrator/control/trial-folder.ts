/** A trial's own folder, the same for each of its attempts: checkpoints, the kept model, generated rationales. */
import { join } from 'node:path';
import type { Trial } from '../core/domain.js';

/** @param home the state folder, absolute */
function trialFolder(home: string, trialId: string): string {
  return join(home, 'trials', trialId);
}

/** What is there once the trial has ended, if it was asked for. */
export function keptFiles(home: string, trialId: string): { readonly model: string; readonly rationales: string } {
  const folder = trialFolder(home, trialId);
  return { model: join(folder, 'model'), rationales: join(folder, 'rationales.jsonl') };
}

/** As it is lent. Whoever submitted it does not say where files are written. */
export function withFolder(trial: Trial, home: string): Trial {
  return { ...trial, run: { ...trial.run, directory: trialFolder(home, trial.trialId) } };
}
