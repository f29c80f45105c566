/** How the trials of a plan stand before it runs. */
import type { SweepRecord } from '../../core/records.js';
import { isRunAgainOnSubmit } from '../../core/schedule/retry.js';
import { stableJson } from '../../journal/json.js';
import type { Plan } from '../../plan/plan-sweep.js';
import type { SweepReader } from '../readers/sweep-reader.js';
import type { Standing } from './plan-text.js';

export async function standingOf(
  reader: Pick<SweepReader, 'standing'>,
  plan: Plan,
  { retryFailed, rerun = false }: { readonly retryFailed: boolean; readonly rerun?: boolean },
): Promise<Standing> {
  const states = new Map<string, 'succeeded' | 'failed'>();
  let done = 0;
  for (const { trialId, state, failure } of await reader.standing(plan.trials.map(({ trialId }) => trialId))) {
    if (state === 'succeeded' && !rerun) {
      states.set(trialId, 'succeeded');
      done += 1;
    } else if (state === 'failed' && !isRunAgainOnSubmit(failure, retryFailed)) states.set(trialId, 'failed');
  }
  return { done, failedBefore: states.size - done, toRun: plan.trials.length - states.size, states };
}

/** Whether exactly these trials are the sweep, with these options, so that submitting would change nothing. */
export async function isSubmitted(
  reader: SweepReader,
  { sweep, trials, options }: Plan,
  former: SweepRecord | null,
): Promise<boolean> {
  if (former === null || former.total !== trials.length) return false;
  if (stableJson(former.standing.options) !== stableJson(options)) return false;
  let position = 0;
  for await (const { trial } of reader.trials(sweep)) {
    if (trial.trialId !== trials[position]?.trialId) return false;
    position += 1;
  }
  return true;
}
