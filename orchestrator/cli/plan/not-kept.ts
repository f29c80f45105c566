/** What a plan asks to be kept of trials that are done without it: being done, they do not run again. */
import { existsSync } from 'node:fs';
import { keptFiles } from '../../control/trial-folder.js';
import type { Plan } from '../../plan/plan-sweep.js';
import { counted } from '../../reports/format.js';
import type { Standing } from './plan-text.js';

/** One line for people, or `null`. */
export function notKeptLine({ trials }: Plan, { states }: Standing, home: string): string | null {
  const done = trials.filter(({ trialId }) => states.get(trialId) === 'succeeded');
  const models = done.filter(({ trialId, run }) => run.keep !== 'none' && !existsSync(keptFiles(home, trialId).model));
  const rationales = done.filter(
    ({ trialId, run }) => run.outputRationale && !existsSync(keptFiles(home, trialId).rationales),
  );
  const lacking = [
    ...(models.length > 0 ? [`${counted(models.length, 'model')} (keep)`] : []),
    ...(rationales.length > 0 ? [`the rationales of ${counted(rationales.length, 'trial')} (output_rationale)`] : []),
  ];
  if (lacking.length === 0) return null;
  return `not kept, since the trials were already done: ${lacking.join(', ')}; another state folder (--home) runs them again`;
}
