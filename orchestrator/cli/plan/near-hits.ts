/** Results that a sweep takes over although they come from another environment than its workers are in now. */
import { type FinishedTrial, type NearHit, nearHits, newestEnvironment } from '../../core/environment.js';
import type { Plan } from '../../plan/plan-sweep.js';
import { counted } from '../../reports/format.js';
import type { SweepReader } from '../readers/sweep-reader.js';
import type { Standing } from './plan-text.js';

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

/** The newest say most, and a state folder may hold a million. */
const MOST = 10_000;

/**
 * Before any of it runs: what the workers are now is taken to be what the newest result here was made by, in whatever
 * sweep.
 */
export async function nearHitsAhead(
  reader: Pick<SweepReader, 'sweeps' | 'trials'>,
  { trials }: Pick<Plan, 'trials'>,
  { states }: Pick<Standing, 'states'>,
): Promise<readonly NearHit[]> {
  const wanted = new Set(trials.map(({ trialId }) => trialId).filter((id) => states.get(id) === 'succeeded'));
  const [seen, reused]: [FinishedTrial[], FinishedTrial[]] = [[], []];
  for (const { sweep, counts } of await reader.sweeps()) {
    if (wanted.size === 0 || seen.length >= MOST) break;
    if (counts.succeeded === 0) continue;
    for await (const { trial, result, endedAtUnixMs } of reader.trials(sweep)) {
      if (result === null) continue;
      const finished = { trialId: trial.trialId, environment: result.environment, endedAtUnixMs };
      seen.push(finished);
      if (wanted.delete(trial.trialId)) reused.push(finished);
    }
  }
  return nearHits(reused, newestEnvironment(seen));
}

/** One for each way in which they differ. */
export function nearHitLines(hits: readonly NearHit[]): readonly string[] {
  return nearHitCounts(hits).map(
    ({ difference, results }) => `${counted(results, 'result')} from another environment: ${difference}`,
  );
}

export function nearHitCounts(
  hits: readonly NearHit[],
): readonly { readonly difference: string; readonly results: number }[] {
  const counts = new Map<string, number>();
  for (const { difference } of hits) counts.set(difference, (counts.get(difference) ?? 0) + 1);
  return [...counts].map(([difference, results]) => ({ difference, results }));
}
