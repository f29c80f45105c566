/** Results that a sweep takes over although they come from another environment than its workers are in now. */
import { type FinishedTrial, type NearHit, nearHits, newestEnvironment } from '../core/environment.js';
import type { Plan } from '../plan/plan-sweep.js';
import { counted } from '../reports/format.js';
import type { Standing } from './plan-text.js';
import type { SweepReader } from './sweep-reader.js';

/**
 * Of a sweep that has ended, by what its trials wrote into their results: what the workers are now is known from those
 * that ran this time or, if none did, from the newest.
 */
export async function nearHitsOf(
  reader: Pick<SweepReader, 'trials'>,
  { sweep, trials }: Pick<Plan, 'sweep' | 'trials'>,
  { states }: Pick<Standing, 'states'>,
): Promise<readonly NearHit[]> {
  const asked = new Set(trials.map(({ trialId }) => trialId));
  const finished: FinishedTrial[] = [];
  for await (const { trial, result, endedAtUnixMs } of reader.trials(sweep)) {
    const { trialId } = trial;
    if (result !== null && asked.has(trialId)) {
      finished.push({ trialId, environment: result.environment, endedAtUnixMs });
    }
  }
  const isReused = ({ trialId }: FinishedTrial) => states.get(trialId) === 'succeeded';
  const fresh = finished.filter((each) => !isReused(each));
  return nearHits(finished.filter(isReused), newestEnvironment(fresh.length > 0 ? fresh : finished));
}

/** One for each way in which they differ. */
export function nearHitLines(hits: readonly NearHit[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { difference } of hits) counts.set(difference, (counts.get(difference) ?? 0) + 1);
  return [...counts].map(
    ([difference, count]) => `${counted(count, 'result')} from another environment: ${difference}`,
  );
}
