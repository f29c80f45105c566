/** What may befall a world, as values that fast-check draws and shrinks. */
import fc from 'fast-check';
import { LOCAL } from '../../../orchestrator/core/sweep/place.js';
import type { SubmissionPart } from '../../../orchestrator/core/sweep/submission.js';
import type { SweepOptions } from '../../../orchestrator/core/sweep/sweep-options.js';
import { LEASE_MS, type World } from './world.js';

export type Action =
  | {
      readonly kind: 'submit';
      readonly sweep: string;
      readonly trials: readonly number[];
      readonly changes: Partial<SubmissionPart>;
    }
  | { readonly kind: 'cancel' | 'pause' | 'resume'; readonly sweep: string }
  | { readonly kind: 'retry'; readonly sweep: string; readonly onlyFailed: boolean }
  | { readonly kind: 'crash'; readonly when: 'now' | 'before commit' | 'after commit' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'cut' | 'bear' | 'stop' | 'go on' | 'drain'; readonly worker: number }
  | { readonly kind: 'kill'; readonly worker: number; readonly isSeen: boolean }
  | { readonly kind: 'block'; readonly worker: number; readonly way: 'toPlane' | 'toWorker' | 'both' }
  | { readonly kind: 'heal'; readonly worker: number }
  | { readonly kind: 'slow'; readonly worker: number; readonly ms: number };

export interface Step {
  readonly action: Action;
  /** How long nothing else befalls the world afterwards. */
  readonly thenMs: number;
}

const is = <T extends string>(kind: T) => fc.constant(kind);
const worker = fc.nat(2);
const sweep = fc.constantFrom('a', 'b', 'c');
const rarely = fc.nat(3).map((chance) => chance === 0);
const owner = fc.constantFrom('', 'ada', 'bob');
const options: fc.Arbitrary<SweepOptions> = fc.record({
  priority: fc.integer({ min: -1, max: 1 }),
  weight: fc.constantFrom(0.5, 1, 3),
  budget: fc.record({
    wallHours: fc.constantFrom(null, null, 0.01),
    deviceHours: fc.constantFrom(null, null, 0.01),
    failedTrials: fc.constantFrom(null, 1),
  }),
  place: fc.constant(LOCAL),
  compare: fc.constant(null),
});
const SETS = [[1, 2, 3], [3, 4], [1, 2, 3, 5], [6]];

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: is('submit'),
      sweep,
      trials: fc.constantFrom(...SETS),
      changes: fc.record({ retryFailed: fc.boolean(), rerun: rarely, extend: fc.boolean(), owner, options }),
    }),
  },
  fc.record({ kind: fc.constantFrom('cancel' as const, 'pause' as const), sweep }),
  { weight: 2, arbitrary: fc.record({ kind: is('resume'), sweep }) },
  fc.record({ kind: is('retry'), sweep, onlyFailed: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: is('crash'),
      when: fc.constantFrom('now' as const, 'before commit' as const, 'after commit' as const),
    }),
  },
  fc.record({ kind: is('restart') }),
  { weight: 3, arbitrary: fc.record({ kind: is('cut'), worker }) },
  { weight: 3, arbitrary: fc.record({ kind: is('kill'), worker, isSeen: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: is('bear'), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: is('stop'), worker }) },
  { weight: 3, arbitrary: fc.record({ kind: is('go on'), worker }) },
  fc.record({ kind: is('drain'), worker }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: is('block'),
      worker,
      way: fc.constantFrom('toPlane' as const, 'toWorker' as const, 'both' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: is('heal'), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: is('slow'), worker, ms: fc.constantFrom(1, 500, 5_000, LEASE_MS / 2) }) },
);

export const step: fc.Arbitrary<Step> = fc.record({
  action,
  thenMs: fc.constantFrom(0, 10, 1_000, LEASE_MS / 4, LEASE_MS / 2, LEASE_MS, 2 * LEASE_MS),
});

export function befall(world: World, action: Action): void {
  const worker = 'worker' in action ? world.workers[action.worker] : undefined;
  switch (action.kind) {
    case 'submit':
      world.submit(action);
      return;
    case 'cancel':
      world.cancel(action.sweep);
      return;
    case 'pause':
      world.pause(action.sweep);
      return;
    case 'resume':
      world.resume(action.sweep);
      return;
    case 'retry':
      world.retry(action.sweep, action.onlyFailed);
      return;
    case 'crash':
      world.crash(action.when);
      return;
    case 'restart':
      world.restart();
      return;
  }
  if (worker === undefined) return;
  switch (action.kind) {
    case 'cut':
      worker.stream?.cut('network');
      return;
    case 'kill':
      world.kill(worker, action.isSeen);
      return;
    case 'bear':
      worker.beBorn();
      return;
    case 'stop':
      worker.stop();
      return;
    case 'go on':
      worker.goOn();
      return;
    case 'drain':
      worker.drain();
      return;
    case 'block':
      if (action.way !== 'toWorker') worker.weather.isBlocked.toPlane = true;
      if (action.way !== 'toPlane') worker.weather.isBlocked.toWorker = true;
      return;
    case 'heal':
      worker.weather.isBlocked.toPlane = false;
      worker.weather.isBlocked.toWorker = false;
      worker.stream?.heal();
      return;
    case 'slow':
      worker.weather.slownessMs = action.ms;
  }
}
