/**
 * What Jobs are made for: a pool, or where each pod is for one trial each of its seats. Seats are numbered from 0; one
 * whose worker has ended is made anew, or left, and none is taken from a worker that may have a trial.
 */
import { poolOfSeat } from '../../core/sweep/place.js';
import { seatKeyOf } from '../../core/sweep/places/kubernetes-settings.js';
import { endOf, type Job } from './kube-objects.js';
import { indexesOver } from './pool-actions.js';
import type { WantedPool } from './wanted-pools.js';

export interface PoolPart extends WantedPool {
  /** Key of the pool that it is a part of, or is. */
  readonly pool: string;
}

/** `jobs`: by their keys. Of seats those that should have a worker, or have a Job. */
export function partsOf(pool: WantedPool, jobs: ReadonlyMap<string, Job>): readonly PoolPart[] {
  if (!pool.settings.shape.podPerTrial) return [{ ...pool, pool: pool.key }];
  const jobOf = new Map([...jobs].filter(([key]) => key !== pool.key && poolOfSeat(key) === pool.key));
  const seats = Array.from({ length: pool.settings.max }, (_, seat) => seatKeyOf(pool.key, seat));
  const having = (state: SeatState, keys: Iterable<string>) =>
    [...keys].filter((key) => stateOf(jobOf.get(key)) === state);
  const busy = having('busy', jobOf.keys());
  // A seat whose Job goes has its next one when that is gone; one without a Job need not wait.
  const next = [...having('waits', jobOf.keys()), ...having('free', seats), ...having('over', seats)];
  const wanted = new Set(
    pool.workers === 0 ? [] : [...busy, ...next.slice(0, Math.max(0, pool.workers - busy.length))],
  );
  const keys = new Set([...jobOf.keys(), ...wanted]);
  return [...keys].map((key) => ({ ...pool, key, pool: pool.key, workers: wanted.has(key) ? 1 : 0 }));
}

/** `busy`: its worker may have a trial. `waits`: for its queue or its Secret. */
type SeatState = 'free' | 'waits' | 'busy' | 'over';

function stateOf(job: Job | undefined): SeatState {
  if (job === undefined) return 'free';
  if (job.metadata.deletionTimestamp !== undefined || endOf(job) !== null || indexesOver(job) > 0) return 'over';
  return job.spec.suspend ? 'waits' : 'busy';
}
