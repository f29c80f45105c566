/** Which pools of a sweep's place take which of its trials, and which no pool ever takes. */
import { predictedMemoryBytes } from '../core/cost/memory.js';
import { memoryShapeOf } from '../core/cost/memory-shape.js';
import type { Trial } from '../core/domain.js';
import { needOf, sizeOf } from '../core/schedule/trial-need.js';
import type { Place } from '../core/sweep/place.js';
import { type PoolRoom, poolRooms, whyNot, whyTooFew } from '../core/sweep/places/pool-room.js';
import { TrialSizes } from './trial-facts.js';

export interface PoolPlan {
  /** Each with how many of the trials its workers take. */
  readonly pools: readonly { readonly room: PoolRoom; readonly trials: number }[];
  readonly trials: number;
  readonly unfit: readonly UnfitTrials[];
}

export interface UnfitTrials {
  /** The first of them. */
  readonly trial: Trial;
  readonly trials: number;
  /** Of each pool, what it lacks. */
  readonly lacks: readonly { readonly pool: string; readonly why: string }[];
}

/** `null`: the place has no pools. */
export async function planPools(trials: readonly Trial[], place: Place): Promise<PoolPlan | null> {
  const rooms = poolRooms(place);
  if (rooms.length === 0) return null;
  const sizes = new TrialSizes();
  const groups = new Map<string, { readonly trial: Trial; trials: number }>();
  for (const trial of trials) {
    const key = JSON.stringify([memoryShapeOf(trial), needOf(trial.run)]);
    const group = groups.get(key) ?? { trial, trials: 0 };
    group.trials += 1;
    groups.set(key, group);
  }
  const taken = rooms.map(() => 0);
  const unfit: UnfitTrials[] = [];
  for (const { trial, trials: count } of groups.values()) {
    const need = needOf(trial.run);
    const facts = await sizes.of(trial);
    const devices = sizeOf(need);
    const lacks = rooms.map((room) => {
      const memoryBytes = facts === null ? 0 : predictedMemoryBytes(facts, { kind: room.kind, devices });
      return whyNot(room, { ...need, memoryBytes });
    });
    const able = rooms.filter((_, index) => lacks[index] === null);
    const tooFew = able.length === 0 ? null : whyTooFew(able, need);
    const whys = lacks.map((why) => why ?? tooFew);
    for (const [index, why] of whys.entries()) if (why === null) taken[index] = (taken[index] ?? 0) + count;
    if (whys.includes(null)) continue;
    unfit.push({
      trial,
      trials: count,
      lacks: rooms.map(({ name }, index) => ({ pool: name, why: whys[index] ?? '' })),
    });
  }
  const pools = rooms.map((room, index) => ({ room, trials: taken[index] ?? 0 }));
  return { pools, trials: trials.length, unfit };
}
