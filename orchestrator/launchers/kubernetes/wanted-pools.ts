/** How many workers each pool is to have. */
import type { Demand, DemandedNeed } from '../../core/schedule/demand.js';
import { kubernetesSettingsOf, type PoolSettings, poolKeyOf } from '../../core/sweep/places/kubernetes-settings.js';
import { poolRooms, whyNot } from '../../core/sweep/places/pool-room.js';
import type { Sha256 } from '../../core/sweep/trial-id.js';

export interface WantedPool {
  readonly key: string;
  readonly settings: PoolSettings;
  /** 0: none of its sweeps has a trial that waits or runs. */
  readonly workers: number;
  /** Machines of the widest trial that is to run on these workers alone. */
  readonly widest: number;
  /** Of the narrowest that may: fewer workers than that are of no use. */
  readonly narrowest: number;
}

/** `narrowest` is `null` before any trial was seen that may run there. */
type Gathered = Omit<WantedPool, 'narrowest'> & { readonly narrowest: number | null };

/**
 * Pools in the order that the sweeps name them: of those whose workers can take a trial each is filled up before the next
 * is begun, the widest trials first; a pool has at least its `min` while any trial waits or runs. Sweeps that name equal
 * pools share them, and the largest size counts. Machines that train one model together may be of several pools, but for
 * those with a queue: one that was let in would hold its devices for as long as the other is not.
 */
export function wantedPools(demands: readonly Demand[], sha256: Sha256): readonly WantedPool[] {
  const pools = new Map<string, Gathered>();
  const placed = new Map<string, number>();
  for (const demand of demands) {
    const asked = kubernetesSettingsOf(demand.place.settings).map((settings) => ({
      key: poolKeyOf(settings, sha256),
      settings,
    }));
    const rooms = poolRooms(demand.place);
    const isActive = demand.waiting + demand.running > 0;
    for (const { key, settings } of asked) {
      const known = pools.get(key);
      const merged = known === undefined ? settings : larger(known.settings, settings);
      const workers = Math.min(merged.max, Math.max(known?.workers ?? 0, isActive ? settings.min : 0));
      const { widest, narrowest } = known ?? { widest: 1, narrowest: null };
      pools.set(key, { key, settings: merged, workers, widest, narrowest });
    }
    for (const need of needsOf(demand)) {
      const able = asked.filter((_, index) => {
        const room = rooms[index];
        return room !== undefined && whyNot(room, { ...need, memoryBytes: 0 }) === null;
      });
      let open = need.trials * need.machines;
      for (const { key } of able) {
        const pool = pools.get(key);
        if (pool === undefined) continue;
        const { max, shape } = pool.settings;
        const isAlone = able.length === 1 || shape.queue !== null;
        const gang = isAlone && need.machines <= max ? need.machines : 1;
        const narrowest = Math.min(pool.narrowest ?? gang, gang);
        const taken = placed.get(key) ?? 0;
        const here = gang * Math.min(Math.ceil(open / gang), Math.floor(Math.max(0, max - taken) / gang));
        placed.set(key, taken + here);
        // Where a pool is full of others, a gang has it after those.
        const least = open > 0 ? gang : 0;
        const workers = Math.max(pool.workers, taken + here, least);
        pools.set(key, { ...pool, workers, widest: Math.max(pool.widest, least), narrowest });
        open = Math.max(0, open - here);
      }
    }
  }
  return [...pools.values()].map((pool) => ({ ...pool, narrowest: pool.narrowest ?? 1 }));
}

/** Of those that wait or run. */
function needsOf({ waiting, running, devices, machines, needs }: Demand): readonly DemandedNeed[] {
  const all = needs ?? [{ devices, machines, trials: waiting + running }];
  return all.filter(({ trials }) => trials > 0);
}

/** Of two sweeps that name one pool. */
function larger(one: PoolSettings, other: PoolSettings): PoolSettings {
  return {
    ...one,
    min: Math.max(one.min, other.min),
    max: Math.max(one.max, other.max),
    idleMs: Math.max(one.idleMs, other.idleMs),
  };
}
