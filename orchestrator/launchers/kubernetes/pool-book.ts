/** The pools that sweeps ask for or have asked for, and what is remembered of each from one look to the next. */

import type { Failure } from '../../core/domain.js';
import type { Notice } from '../../core/notice.js';
import type { Demand } from '../../core/schedule/demand.js';
import type { PoolSettings } from '../../core/sweep/places/kubernetes-settings.js';
import { sha256 } from '../sha256.js';
import { backoffMs } from './backoff.js';
import type { Job } from './kube-objects.js';
import { hasSurplus, type PoolTarget } from './pool-actions.js';
import type { Obstacle } from './pool-jobs.js';
import { type PoolPart, partsOf } from './pool-parts.js';
import { type WantedPool, wantedPools } from './wanted-pools.js';
import { LABEL } from './worker-job.js';

interface Memory {
  surplusSinceMs: number | null;
  tooFewSinceMs: number | null;
  /** How workers ended by themselves soon after they began, since one last did not. */
  deaths: readonly Failure[];
  failedJobs: number;
  /** In a row. */
  refusals: number;
  /** What was last refused, until it is tried again. */
  obstacle: Notice | null;
  notBeforeMs: number;
}

/** A life shorter than this is a quick death: it did no work worth the name. */
export const QUICK_DEATH_MS = 30_000;
const DEATHS_KEPT = 10;

const BLANK: Memory = {
  surplusSinceMs: null,
  tooFewSinceMs: null,
  deaths: [],
  failedJobs: 0,
  refusals: 0,
  obstacle: null,
  notBeforeMs: Number.NEGATIVE_INFINITY,
};

export class PoolBook {
  readonly #pools = new Map<string, WantedPool>();
  /** Of those pools, as they were when Jobs were last looked at. */
  readonly #parts = new Map<string, PoolPart>();
  readonly #memory = new Map<string, Memory>();
  readonly #nowMs: () => number;
  readonly #random: () => number;

  constructor(nowMs: () => number, random: () => number) {
    this.#nowMs = nowMs;
    this.#random = random;
  }

  get all(): readonly PoolPart[] {
    return [...this.#parts.values()];
  }

  of(key: string): PoolPart | undefined {
    return this.#parts.get(key);
  }

  /** A pool that nobody asks for any more stays, with no workers, until it has been idle long enough. */
  want(demands: readonly Demand[]): void {
    const wanted = new Map(wantedPools(demands, sha256).map((pool) => [pool.key, pool]));
    for (const [key, pool] of this.#pools) this.#pools.set(key, { ...pool, workers: 0, widest: 1, narrowest: 1 });
    for (const [key, pool] of wanted) this.#pools.set(key, pool);
  }

  targets(
    jobs: readonly Job[],
    hashOf: (key: string, settings: PoolSettings) => string,
    runningOf: (key: string) => number,
    busyOf: (key: string) => number,
  ): readonly PoolTarget[] {
    const byKey = jobsByPool(jobs);
    // What is wanted no more stays until it is forgotten.
    for (const part of this.all) this.#parts.set(part.key, { ...part, workers: 0 });
    for (const pool of this.#pools.values()) for (const part of partsOf(pool, byKey)) this.#parts.set(part.key, part);
    const runningIn = new Map<string, number>();
    for (const { key, pool } of this.all) runningIn.set(pool, (runningIn.get(pool) ?? 0) + runningOf(key));
    return this.all.map((part) => {
      const { key, settings, workers } = part;
      const [job, memory, running] = [byKey.get(key), this.#memoryOf(key), runningIn.get(part.pool) ?? 0];
      const since = (known: number | null, holds: boolean) => (holds ? (known ?? this.#nowMs()) : null);
      memory.surplusSinceMs = since(memory.surplusSinceMs, hasSurplus(job, workers));
      memory.tooFewSinceMs = since(memory.tooFewSinceMs, job !== undefined && hasTooFew(part, running));
      if (this.#nowMs() >= memory.notBeforeMs) memory.obstacle = null;
      const { surplusSinceMs, tooFewSinceMs, notBeforeMs } = memory;
      const seen = { running, busy: busyOf(key), surplusSinceMs, tooFewSinceMs, notBeforeMs };
      return { ...part, templateHash: hashOf(key, settings), ...seen };
    });
  }

  died(key: string, failure: Failure, livedMs: number): void {
    const memory = this.#memoryOf(key);
    memory.deaths = livedMs > QUICK_DEATH_MS ? [] : [...memory.deaths, failure].slice(-DEATHS_KEPT);
  }

  /** One has run for a while, so that others can. */
  lives(key: string): void {
    const memory = this.#memoryOf(key);
    memory.deaths = [];
    memory.failedJobs = 0;
  }

  deaths(key: string): readonly Failure[] {
    return this.#memoryOf(key).deaths;
  }

  /** The next one is to wait. */
  jobFailed(key: string): void {
    const memory = this.#memoryOf(key);
    memory.failedJobs += 1;
    this.#wait(memory, backoffMs(memory.failedJobs, this.#random()));
  }

  /** Nothing more is done about this pool for a while, longer with each time; others go on. */
  refused(key: string, { notice, atLeastMs }: Obstacle): void {
    const memory = this.#memoryOf(key);
    memory.refusals += 1;
    memory.obstacle = notice;
    this.#wait(memory, Math.max(atLeastMs, backoffMs(memory.refusals, this.#random())));
  }

  accepted(key: string): void {
    this.#memoryOf(key).refusals = 0;
  }

  waits(key: string): boolean {
    return this.#nowMs() < this.#memoryOf(key).notBeforeMs;
  }

  obstacle(key: string): Notice | null {
    return this.#memoryOf(key).obstacle;
  }

  /** Until the first of those that wait may go on; Infinity: none does. */
  get goesOnInMs(): number {
    const waits = this.all.map(({ key }) => Math.ceil(this.#memoryOf(key).notBeforeMs - this.#nowMs()));
    return Math.min(...waits.filter((ms) => ms > 0), Number.POSITIVE_INFINITY);
  }

  /** One that is not wanted. Gives whether nothing is left of its pool. */
  forget({ key, pool }: PoolPart): boolean {
    this.#parts.delete(key);
    this.#memory.delete(key);
    const isLast = this.all.every((part) => part.pool !== pool);
    if (isLast) this.#pools.delete(pool);
    return isLast;
  }

  #wait(memory: Memory, ms: number): void {
    memory.notBeforeMs = Math.max(memory.notBeforeMs, this.#nowMs() + ms);
  }

  #memoryOf(key: string): Memory {
    const known = this.#memory.get(key) ?? { ...BLANK };
    this.#memory.set(key, known);
    return known;
  }
}

/** They hold what others may wait for, and are of no use. Where a queue lets in all or none, that sees to it. */
function hasTooFew({ settings, workers, narrowest }: WantedPool, running: number): boolean {
  return settings.shape.queue === null && workers > 0 && running > 0 && running < narrowest;
}

export function jobsByPool(jobs: readonly Job[]): ReadonlyMap<string, Job> {
  return new Map(jobs.map((job) => [job.metadata.labels[LABEL.pool] ?? '', job]));
}
