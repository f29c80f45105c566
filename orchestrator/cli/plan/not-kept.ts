/** What a plan asks to be kept of trials that are done without it: being done, they do not run again. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptFiles } from '../../control/trial-folder.js';
import type { Trial } from '../../core/domain.js';
import type { Plan } from '../../plan/plan-sweep.js';
import { counted } from '../../reports/format.js';
import type { Standing } from './plan-text.js';

/** One line for people, or `null`. */
export function notKeptLine({ trials }: Plan, { states }: Standing, home: string): string | null {
  const done = trials.filter(({ trialId }) => states.get(trialId) === 'succeeded');
  const models = done.filter(({ trialId, run }) => run.keep !== 'none' && !existsSync(keptFiles(home, trialId).model));
  const others = done.filter((trial) => isOfOtherStep(trial, keptFiles(home, trial.trialId).model));
  const rationales = done.filter(
    ({ trialId, run }) => run.outputRationale && !existsSync(keptFiles(home, trialId).rationales),
  );
  const lacking = [
    ...(models.length > 0 ? [`${counted(models.length, 'model')} (keep)`] : []),
    ...(others.length > 0 ? [`${counted(others.length, 'model')} of the step that is asked for (keep)`] : []),
    ...(rationales.length > 0 ? [`the rationales of ${counted(rationales.length, 'trial')} (output_rationale)`] : []),
  ];
  if (lacking.length === 0) return null;
  return `not kept, since the trials were already done: ${lacking.join(', ')}; \`--rerun\` of \`dss sweep\` and \`dss run\` trains them again`;
}

/** As the worker says it on a model's card: keep_model.py. */
const CARD_STEP =
  /^The weights are those of step \d+, (chosen by valid accuracy|the last; the accuracies are of step \d+)\.$/m;

/** The last one where the best is asked for, or the other way round; unknown where the card is not as it was written. */
function isOfOtherStep({ settings, run }: Trial, model: string): boolean {
  if (run.keep === 'none' || settings.select !== 'valid') return false;
  const [, how] = CARD_STEP.exec(cardOf(model)) ?? [];
  return how !== undefined && how.startsWith('chosen') !== (run.keep === 'best');
}

function cardOf(model: string): string {
  try {
    return readFileSync(join(model, 'README.md'), 'utf8');
  } catch {
    return '';
  }
}
