/** Which trials need the same memory: what they read, how it is cut into passes, and what is kept of the model. */
import { canonicalJson } from '../canonical-json.js';
import type { Trial } from '../domain.js';

/** Equal for trials that differ only in what changes no tensor: seeds, rates, how long they train. */
export function memoryShapeOf({ settings, run, model, dataset }: Trial): string {
  const { seed, lr, lora_alpha, max_steps, eval_steps, alpha, model: name, ...shape } = settings;
  // A loss without weight is not computed.
  const onlyLoss = alpha === 0 || alpha === 1 ? alpha : null;
  const { directory, checkpointSteps, keepCheckpoints, keep, memoryBytes, ...how } = run;
  const weights = model.files.length === 0 ? name : filesOf(model.files, ['config', 'weights']);
  return canonicalJson({ shape, onlyLoss, how, weights, rows: filesOf(dataset.files, ['train', 'teacher']) });
}

function filesOf(files: Trial['model']['files'], roles: readonly string[]): readonly string[] {
  return files.filter(({ role }) => roles.includes(role)).map(({ sha256 }) => sha256);
}
