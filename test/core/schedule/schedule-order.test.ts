import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TrialState } from '../../../orchestrator/core/domain.js';
import type { JournalEvent } from '../../../orchestrator/core/events.js';
import { poolKeyOf } from '../../../orchestrator/core/schedule/pool-keys.js';
import { decide } from '../../../orchestrator/core/schedule/schedule.js';
import { type LivePlace, Snapshot, type TrialStanding } from '../../../orchestrator/core/schedule/snapshot.js';
import { ONE_DEVICE, type TrialNeed } from '../../../orchestrator/core/schedule/trial-need.js';
import { LOCAL } from '../../../orchestrator/core/sweep/place.js';
import { NaiveScheduler } from '../../support/naive-scheduler.js';
import { described, grantedIn, placeOf, standingOf, standingsOf } from '../../support/standings.js';
import { failureOf, resultOf, trialIdOf } from '../../support/trials.js';

const HOUR_MS = 3_600_000;
/** Nothing expires here. */
const LEASE_MS = Number.MAX_SAFE_INTEGER / 2;

/** Sweeps in the order of their submission, and workers. */
function snapshotOf(...sweeps: (readonly [LivePlace, readonly TrialStanding[]])[]): Snapshot {
  const snapshot = new Snapshot(LEASE_MS);
  for (const [place, trials] of sweeps) snapshot.addSweep(`sweep-${place.order}`, place, trials, 0);
  return snapshot;
}

/** Lends what is decided; gives it as words. */
function lend(snapshot: Snapshot, nowMs: number): readonly string[] {
  const decisions = decide(snapshot, nowMs);
  if (decisions.some(({ kind }) => kind === 'drain')) {
    for (const each of decisions) if (each.kind === 'drain') snapshot.drainHost(each.host, each.reason);
    return lend(snapshot, nowMs);
  }
  for (const decision of decisions) {
    if (decision.kind === 'reserve') {
      snapshot.reserve(decision.trialId);
      continue;
    }
    assert.ok(decision.kind === 'grant', decision.kind);
    const { trialId, others = [] } = decision;
    if (others.length > 0) snapshot.gather(trialId, others);
    snapshot.apply(grantedIn(snapshot, decision, nextToken()), nowMs);
  }
  const lent = decisions.filter(({ kind }) => kind !== 'reserve').map(described);
  return lent.length === decisions.length ? lent : [...lent, ...lend(snapshot, nowMs)];
}

let token = 0n;
function nextToken(): bigint {
  token += 1n;
  return token;
}

/** Of the first lease that a worker holds. */
function succeed(snapshot: Snapshot, workerId: string, nowMs: number): void {
  const [lease] = snapshot.heldBy(workerId);
  assert.ok(lease !== undefined);
  snapshot.apply({ kind: 'succeeded', lease, result: resultOf(1) }, nowMs);
}

describe('a free slot', () => {
  it('goes to the sweep with the highest priority', () => {
    const snapshot = snapshotOf(
      [placeOf(1), [standingOf(1)]],
      [placeOf(2, { priority: 2 }), [standingOf(2)]],
      [placeOf(3, { priority: -1 }), [standingOf(3)]],
    );
    snapshot.addWorker('a', 3);
    assert.deepEqual(lend(snapshot, 0), ['2 to a', '1 to a', '3 to a']);
  });

  it('goes to a sweep that has waited for as many full hours as its priority is lower, and one more', () => {
    const waiting = (nowMs: number) => {
      const snapshot = snapshotOf(
        [placeOf(1, { priority: 2 }), standingsOf(9, 10)],
        [placeOf(2), [standingOf(1), standingOf(2)]],
      );
      snapshot.addWorker('a', 1);
      lend(snapshot, 0);
      succeed(snapshot, 'a', nowMs);
      return [snapshot, lend(snapshot, nowMs)] as const;
    };
    assert.deepEqual(waiting(3 * HOUR_MS - 1)[1], ['11 to a']);
    const [snapshot, lent] = waiting(3 * HOUR_MS);
    assert.deepEqual(lent, ['1 to a']);
    // It has had its turn and waits anew.
    succeed(snapshot, 'a', 4 * HOUR_MS);
    assert.deepEqual(lend(snapshot, 4 * HOUR_MS), ['11 to a']);
    succeed(snapshot, 'a', 7 * HOUR_MS);
    assert.deepEqual(lend(snapshot, 7 * HOUR_MS), ['2 to a']);
  });

  it('goes to no sweep sooner because its trials take hours', () => {
    const snapshot = snapshotOf([placeOf(1, { weight: 3 }), standingsOf(9, 10)], [placeOf(2), standingsOf(9, 20)]);
    for (const worker of ['a', 'b', 'c', 'd']) snapshot.addWorker(worker, 1);
    assert.deepEqual(lend(snapshot, 0), ['10 to a', '20 to b', '11 to c', '12 to d']);
    succeed(snapshot, 'a', 50 * HOUR_MS);
    assert.deepEqual(lend(snapshot, 50 * HOUR_MS), ['13 to a']);
  });

  it('does not count the hours in which a sweep had nothing to lend', () => {
    const snapshot = snapshotOf([placeOf(1, { priority: 1 }), standingsOf(9, 10)], [placeOf(2), [standingOf(1)]]);
    snapshot.apply({ kind: 'cancelled', trialId: trialIdOf(1), lease: null }, 0);
    snapshot.addWorker('a', 1);
    assert.deepEqual(lend(snapshot, 0), ['10 to a']);
    snapshot.apply({ kind: 'queued', trialId: trialIdOf(1) }, 9 * HOUR_MS);
    succeed(snapshot, 'a', 10 * HOUR_MS);
    assert.deepEqual(lend(snapshot, 10 * HOUR_MS), ['11 to a']);
    succeed(snapshot, 'a', 11 * HOUR_MS);
    assert.deepEqual(lend(snapshot, 11 * HOUR_MS), ['1 to a']);
  });

  it('does not count them when more is added to it either', () => {
    const done = standingOf(1, { state: 'succeeded' });
    const snapshot = snapshotOf([placeOf(1, { priority: 1 }), standingsOf(9, 10)], [placeOf(2), [done]]);
    snapshot.addWorker('a', 1);
    assert.deepEqual(lend(snapshot, 0), ['10 to a']);
    snapshot.addSweep('sweep-2', placeOf(3), [done, standingOf(2)], 9 * HOUR_MS);
    succeed(snapshot, 'a', 10 * HOUR_MS);
    assert.deepEqual(lend(snapshot, 10 * HOUR_MS), ['11 to a']);
  });

  it('keeps count of the hours when more is added to a sweep', () => {
    const snapshot = snapshotOf([placeOf(1, { priority: 1 }), standingsOf(9, 10)], [placeOf(2), [standingOf(1)]]);
    snapshot.addWorker('a', 1);
    assert.deepEqual(lend(snapshot, 0), ['10 to a']);
    snapshot.addSweep('sweep-2', placeOf(3), [standingOf(1), standingOf(2)], HOUR_MS);
    succeed(snapshot, 'a', 2 * HOUR_MS);
    assert.deepEqual(lend(snapshot, 2 * HOUR_MS), ['1 to a']);
  });

  it('goes to the owner who holds fewest, however many sweeps each has', () => {
    const snapshot = snapshotOf(
      [placeOf(1, { owner: 'ada', weight: 100 }), standingsOf(9, 10)],
      [placeOf(2, { owner: 'ada' }), standingsOf(9, 20)],
      [placeOf(3, { owner: 'bob' }), standingsOf(9, 30)],
    );
    snapshot.addWorker('a', 6);
    assert.deepEqual(lend(snapshot, 0), ['10 to a', '30 to a', '20 to a', '31 to a', '11 to a', '32 to a']);
  });

  it('of a sweep goes to the first seed of every cell before the second of any, then by position', () => {
    const trials = [7, 5, 7, 5, 9, 7].map((seed, index) => standingOf(index + 1, { seed }));
    const snapshot = snapshotOf([placeOf(1), trials]);
    snapshot.addWorker('a', 6);
    assert.deepEqual(
      lend(snapshot, 0),
      [1, 3, 6, 2, 4, 5].map((number) => `${number} to a`),
    );
  });

  it('prefers what its worker ran last, among trials of one sweep and one seed', () => {
    const kinds = ['x', 'y', 'y', 'x', 'y'];
    const first = kinds.map((kind, index) => standingOf(index + 1, { kind }));
    const snapshot = snapshotOf([placeOf(1), [...first, standingOf(6, { kind: 'x', seed: 1 })]]);
    snapshot.addWorker('a', 1);
    snapshot.addWorker('b', 1);
    assert.deepEqual(lend(snapshot, 0), ['1 to a', '2 to b']);
    succeed(snapshot, 'a', 0);
    assert.deepEqual(lend(snapshot, 0), ['4 to a']);
    succeed(snapshot, 'a', 0);
    assert.deepEqual(lend(snapshot, 0), ['3 to a'], 'the other seed has to wait');
    succeed(snapshot, 'b', 0);
    assert.deepEqual(lend(snapshot, 0), ['5 to b']);
  });

  it('is given a trial that has died at its worker only where there is no other of its sweep and seed', () => {
    const snapshot = snapshotOf([placeOf(1), [...standingsOf(2, 1), standingOf(3, { seed: 1 })]]);
    snapshot.addWorker('a', 1);
    const die = () => {
      const [lease] = snapshot.heldBy('a');
      assert.ok(lease !== undefined);
      snapshot.apply({ kind: 'requeued', lease, failure: failureOf('lost', 'WORKER_EXITED'), delayMs: 0 }, 0);
    };
    assert.deepEqual(lend(snapshot, 0), ['1 to a']);
    die();
    assert.deepEqual(lend(snapshot, 0), ['2 to a']);
    die();
    assert.deepEqual(lend(snapshot, 0), ['1 to a'], 'the other seed has to wait');
    die();
    snapshot.addWorker('b', 1);
    snapshot.setAvailable('a', false);
    assert.deepEqual(lend(snapshot, 0), ['1 to b'], 'nothing has died there');
  });

  it('looks no further ahead than 64 trials for what its worker ran last', () => {
    const lentAfter = (others: number) => {
      const trials = [...standingsOf(1, 1), ...standingsOf(others, 2, { kind: 'other' }), ...standingsOf(1, 99)];
      const snapshot = snapshotOf([placeOf(1), trials]);
      snapshot.addWorker('a', 1);
      lend(snapshot, 0);
      succeed(snapshot, 'a', 0);
      return lend(snapshot, 0);
    };
    assert.deepEqual(lentAfter(63), ['99 to a']);
    assert.deepEqual(lentAfter(64), ['2 to a']);
  });
});

describe('whatever happens to sweeps and trials', () => {
  type End = 'succeeded' | 'failed' | 'died' | 'delayed' | 'cancelled';
  type Step =
    | { readonly kind: 'submit'; readonly sweep: number; readonly place: LivePlace; readonly trials: readonly number[] }
    | { readonly kind: 'remove'; readonly sweep: number }
    | { readonly kind: 'end'; readonly which: number; readonly how: End }
    | { readonly kind: 'queue'; readonly which: number }
    | { readonly kind: 'pass'; readonly ms: number };

  const CLUSTER = { on: 'kubernetes', pools: ['kubernetes.one', 'kubernetes.two'], settings: {} } as const;
  const place = fc
    .record({
      order: fc.nat(3),
      priority: fc.integer({ min: -1, max: 2 }),
      weight: fc.constantFrom(0.5, 1, 3),
      owner: fc.constantFrom('', 'ada'),
      place: fc.constantFrom(LOCAL, LOCAL, CLUSTER),
    })
    .map(({ order, ...rest }) => placeOf(order, rest));
  const trials = fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 8 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('submit' as const), sweep: fc.nat(3), place, trials }) },
    fc.record({ kind: fc.constant('remove' as const), sweep: fc.nat(3) }),
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        which: fc.nat(11),
        how: fc.constantFrom<End>('succeeded', 'failed', 'died', 'died', 'delayed', 'cancelled'),
      }),
    },
    fc.record({ kind: fc.constant('queue' as const), which: fc.nat(11) }),
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, HOUR_MS / 2, HOUR_MS) }),
    },
  );

  /** One device of which two attempts have a half, two devices, one that joins no gang, and two of other places. */
  const WORKERS = [
    { workerId: 'a', slots: 2, memory: [100], address: 'a', pool: 'lab' },
    { workerId: 'b', slots: 2, memory: [0, 0], address: 'b', pool: '' },
    { workerId: 'c', slots: 1, memory: [50], address: '', pool: '' },
    { workerId: 'd', slots: 1, memory: [0, 0], address: 'd', pool: 'kubernetes.one' },
    { workerId: 'e', slots: 2, memory: [0], address: 'e', pool: 'kubernetes.two' },
  ];
  /** By number; the rest need one device. 5 and 10 are never lent, and in nobody's way. */
  const NEEDS: Readonly<Record<number, TrialNeed>> = {
    1: { devices: 1, machines: 1, minMachines: 1, memoryBytes: 60 },
    3: { devices: 2, machines: 2, minMachines: 1, memoryBytes: 0 },
    4: { devices: 1, machines: 1, minMachines: 1, memoryBytes: 20 },
    5: { devices: 1, machines: 3, minMachines: 1, memoryBytes: 0 },
    6: { devices: 1, machines: 3, minMachines: 2, memoryBytes: 0 },
    7: { devices: 2, machines: 1, minMachines: 1, memoryBytes: 0 },
    8: { devices: 1, machines: 2, minMachines: 2, memoryBytes: 0 },
    9: { devices: 1, machines: 2, minMachines: 1, memoryBytes: 10 },
    10: { devices: 3, machines: 1, minMachines: 1, memoryBytes: 0 },
    11: { devices: 1, machines: 1, minMachines: 1, memoryBytes: 45 },
  };
  /** Since before the first step: they may go on with fewer machines. */
  const BEGUN: ReadonlySet<number> = new Set([3, 6]);

  /** A few of each, so that kinds, seeds and their order meet in every way. */
  const standingIn = (naive: NaiveScheduler, number: number): TrialStanding => {
    const state = naive.trials.get(trialIdOf(number))?.state ?? 'queued';
    return standingOf(number, {
      state,
      attempts: BEGUN.has(number) ? 1 : 0,
      seed: number % 3,
      kind: `kind ${number % 2}`,
      need: NEEDS[number] ?? ONE_DEVICE,
    });
  };

  const eventOf = (snapshot: Snapshot, trialId: string, how: End): JournalEvent => {
    const standing = snapshot.standing(trialId);
    assert.ok(standing !== null);
    const lease = { trialId, attempt: standing.attempts, token: standing.token };
    switch (how) {
      case 'succeeded':
        return { kind: 'succeeded', lease, result: resultOf(1) };
      case 'failed':
        return { kind: 'failed', lease, failure: failureOf('user') };
      case 'cancelled':
        return { kind: 'cancelled', trialId, lease };
      case 'died':
        return { kind: 'requeued', lease, failure: failureOf('lost', 'CHILD_KILLED'), delayMs: 0 };
      case 'delayed':
        return { kind: 'requeued', lease, failure: failureOf('infrastructure'), delayMs: HOUR_MS };
    }
  };

  it('is lent what the description of the order says, and every sweep is counted right', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        const snapshot = new Snapshot(LEASE_MS);
        const naive = new NaiveScheduler(WORKERS, LEASE_MS);
        let nowMs = 0;
        // On one host: where no other is, a host that is not trusted is lent as much as before.
        for (const { workerId, slots, pool, ...place } of WORKERS) {
          snapshot.addWorker(workerId, slots, 0, 'h', { ...place, pool: poolKeyOf(pool) });
        }
        for (const each of steps) {
          if (each.kind === 'submit') {
            const standings = each.trials.map((number) => standingIn(naive, number));
            const unique = { ...each.place, order: 10 * each.place.order + each.sweep };
            snapshot.addSweep(`${each.sweep}`, unique, standings, nowMs);
            naive.addSweep(`${each.sweep}`, unique, standings, nowMs);
          } else if (each.kind === 'remove') {
            if (naive.sweeps.includes(`${each.sweep}`)) naive.removeSweep(`${each.sweep}`, nowMs);
            snapshot.removeSweep(`${each.sweep}`, nowMs);
          } else if (each.kind === 'end') {
            const trialId = naive.running[each.which % Math.max(1, naive.running.length)];
            if (trialId !== undefined) {
              const workerId = snapshot.standing(trialId)?.workerId ?? '';
              snapshot.apply(eventOf(snapshot, trialId, each.how), nowMs);
              if (each.how === 'died') naive.die(trialId, workerId, nowMs);
              else if (each.how === 'delayed') naive.end(trialId, 'queued', HOUR_MS, nowMs);
              else naive.end(trialId, each.how, 0, nowMs);
            }
          } else if (each.kind === 'queue') {
            const trial = naive.trials.get(trialIdOf(each.which));
            if (trial !== undefined && !['queued', 'running'].includes(trial.state)) {
              snapshot.apply({ kind: 'queued', trialId: trial.trialId }, nowMs);
              naive.queueAgain(trial.trialId, nowMs);
            }
          } else nowMs += each.ms;
          assert.deepEqual(decide(snapshot, nowMs), decide(snapshot, nowMs));
          const expected = naive.lend(nowMs).map((grant) => described({ kind: 'grant', ...grant }));
          assert.deepEqual(lend(snapshot, nowMs), expected);
          for (const sweep of naive.sweeps) assert.deepEqual(snapshot.summary(sweep)?.counts, naive.counts(sweep));
          const states = new Map<string, TrialState>([...naive.trials].map(([trialId, { state }]) => [trialId, state]));
          for (let number = 0; number < 12; number += 1) {
            const trialId = trialIdOf(number);
            assert.equal(snapshot.standing(trialId)?.state, states.get(trialId));
          }
          assert.deepEqual(
            snapshot
              .running()
              .map(({ trialId }) => trialId)
              .sort(),
            [...naive.running].sort(),
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
