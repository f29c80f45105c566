/** Which workers take which sweeps: pools as keys, so that where all is local one comparison says so. */
import { LAUNCHED_POOL, type Place, poolOfSeat } from '../sweep/place.js';

/** Of workers that no launcher of another place started, whatever pool they joined by. */
export const LOCAL_POOL = '';

const LOCAL_ONLY: ReadonlySet<string> = new Set([LOCAL_POOL]);

/** Of a worker, by the pool that it joined by. */
export function poolKeyOf(pool: string): string {
  return LAUNCHED_POOL.test(pool) ? poolOfSeat(pool) : LOCAL_POOL;
}

/** Of a sweep: the keys of all workers that take its trials. */
export function poolKeysOf({ on, pools }: Place): ReadonlySet<string> {
  return on === 'local' ? LOCAL_ONLY : new Set(pools);
}
