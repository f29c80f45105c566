/** Where a sweep's trials run: what its file says of the place, and which workers are of it. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type PlaceName = 'local' | 'kubernetes' | 'ray';
export const PLACE_NAMES: readonly PlaceName[] = ['local', 'kubernetes', 'ray'];

export interface Place {
  readonly on: PlaceName;
  /** The pools whose workers take the trials; empty: workers that no launcher of another place started. */
  readonly pools: readonly string[];
  /** What the file says below `run` for this place alone, as that place's own schema has checked it. */
  readonly settings: JsonValue;
}

export const LOCAL: Place = { on: 'local', pools: [], settings: {} };

/** Of a pool that a launcher fills: no person can grant a token for a name with a dot. */
export const LAUNCHED_POOL = /^(kubernetes|ray)\.[a-z0-9][a-z0-9-]{0,39}$/;

/** Behind the name of a pool, which ends with a longer hash. */
const SEAT = /-\d{1,4}$/;

/** Of a seat, which has a token of its own, its pool, which is what a sweep names. */
export function poolOfSeat(pool: string): string {
  return pool.replace(SEAT, '');
}

/** Whether a worker that joined by a token of `pool` takes trials of this place. */
export function takesFrom(place: Place, pool: string): boolean {
  return place.on === 'local' ? !LAUNCHED_POOL.test(pool) : place.pools.includes(poolOfSeat(pool));
}
