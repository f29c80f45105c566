/** Attempts that got fewer machines than their trials ask for: what is said of them, and what their places need not have. */
import type { Notice } from '../notice.js';
import type { DemandedNeed } from './demand.js';
import { bulkOf, spreadOf, type TrialNeed } from './trial-need.js';

export interface SmallerAttempt {
  readonly trialId: string;
  /** Live ones that want it. */
  readonly sweeps: readonly string[];
  readonly need: TrialNeed;
  readonly machines: number;
}

export function smallerNotice({ trialId, need, machines }: SmallerAttempt): Notice {
  return {
    code: 'FEWER_MACHINES',
    message: `trial ${trialId} goes on with ${machines} of the ${need.machines} machines that it asks for`,
    hint: '`min_machines` allows it, and it keeps to them until it ends; machines that come meanwhile take other trials',
  };
}

/** What trials want of which these run: they want no more machines until they end. The widest first. */
export function needsWith(
  needs: readonly DemandedNeed[],
  attempts: readonly SmallerAttempt[],
): readonly DemandedNeed[] {
  if (attempts.length === 0) return needs;
  const trials = new Map(needs.map((need) => [bulkOf(need), need.trials]));
  const count = (bulk: number, change: number) => trials.set(bulk, (trials.get(bulk) ?? 0) + change);
  for (const { need, machines } of attempts) {
    count(bulkOf(need), -1);
    count(bulkOf({ ...need, machines }), 1);
  }
  return [...trials]
    .filter(([, left]) => left > 0)
    .sort(([a], [b]) => b - a)
    .map(([bulk, left]) => ({ ...spreadOf(bulk), trials: left }));
}
