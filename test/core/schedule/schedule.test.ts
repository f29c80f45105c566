import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NOTHING_SPENT } from '../../../orchestrator/core/schedule/retry.js';
import { decide } from '../../../orchestrator/core/schedule/schedule.js';
import { Snapshot, type TrialStanding } from '../../../orchestrator/core/schedule/snapshot.js';
import { begunOf, described, placeOf, standingOf } from '../../support/standings.js';
import { failureOf, resultOf, trialIdOf } from '../../support/trials.js';

const LEASE_MS = 1_000;

function snapshotOf(...sweeps: (readonly TrialStanding[])[]): Snapshot {
  const snapshot = new Snapshot(LEASE_MS);
  for (const [order, trials] of sweeps.entries()) snapshot.addSweep(`sweep-${order}`, placeOf(order), trials, 0);
  return snapshot;
}

function grants(snapshot: Snapshot, nowMs = 0): readonly string[] {
  return decide(snapshot, nowMs).map(described);
}

describe('a decision', () => {
  it('is none without workers, and none without trials', () => {
    assert.deepEqual(grants(snapshotOf([standingOf(1)])), []);
    const idle = snapshotOf();
    idle.addWorker('w', 1);
    assert.deepEqual(grants(idle), []);
  });

  it('fills every slot of one worker after the other, in the order of lending', () => {
    const snapshot = snapshotOf([standingOf(5), standingOf(2)], [standingOf(1), standingOf(9)]);
    snapshot.addWorker('a', 2);
    snapshot.addWorker('b', 1);
    assert.deepEqual(grants(snapshot), ['5 to a', '1 to a', '2 to b']);
  });

  it('is the same each time that it is asked for', () => {
    const snapshot = snapshotOf([standingOf(1), standingOf(2)]);
    snapshot.addWorker('a', 1);
    assert.deepEqual(decide(snapshot, 0), decide(snapshot, 0));
  });

  it('does not fill a slot that is taken, or of a worker that is not available', () => {
    const snapshot = snapshotOf([standingOf(1), standingOf(2), standingOf(3)]);
    snapshot.addWorker('a', 1);
    snapshot.addWorker('b', 1);
    snapshot.apply(begunOf(1, 'a'), 0);
    snapshot.setAvailable('b', false);
    assert.deepEqual(grants(snapshot), []);
    snapshot.setAvailable('b', true);
    assert.deepEqual(grants(snapshot), ['2 to b']);
  });

  it('leaves alone what no live sweep wants', () => {
    const snapshot = snapshotOf([standingOf(1), standingOf(2)]);
    snapshot.addWorker('a', 3);
    snapshot.addSweep('sweep-0', placeOf(7), [standingOf(2), standingOf(3)], 0);
    assert.deepEqual(grants(snapshot), ['2 to a', '3 to a']);
    snapshot.removeSweep('sweep-0', 0);
    assert.deepEqual(grants(snapshot), []);
  });

  it('runs a trial that two sweeps share once, for the first of them', () => {
    const snapshot = snapshotOf([standingOf(1), standingOf(2)], [standingOf(3), standingOf(1)]);
    snapshot.addWorker('a', 5);
    assert.deepEqual(grants(snapshot), ['1 to a', '3 to a', '2 to a']);
    snapshot.removeSweep('sweep-0', 0);
    assert.deepEqual(grants(snapshot), ['3 to a', '1 to a']);
  });

  it('waits out the delay of a trial that came back, and then keeps its place', () => {
    const snapshot = snapshotOf([standingOf(1), standingOf(2)]);
    snapshot.addWorker('a', 2);
    const { lease } = begunOf(1, 'a');
    snapshot.apply(begunOf(1, 'a'), 0);
    snapshot.apply({ kind: 'requeued', lease, failure: failureOf('infrastructure'), delayMs: 500 }, 0);
    assert.deepEqual(grants(snapshot, 499), ['2 to a']);
    assert.equal(snapshot.nextWakeMs(), 500);
    assert.deepEqual(grants(snapshot, 500), ['1 to a', '2 to a']);
  });
});

describe('a lease', () => {
  const lent = (lost = 0) => {
    const snapshot = snapshotOf([standingOf(1, { spent: { ...NOTHING_SPENT, lost } })]);
    snapshot.addWorker('a', 1);
    snapshot.apply(begunOf(1, 'a', 7n), 0);
    return snapshot;
  };

  it('protects its attempt until the deadline', () => assert.deepEqual(decide(lent(), LEASE_MS - 1), []));

  it('is taken back at the deadline itself', () => {
    const [decision] = decide(lent(), LEASE_MS);
    assert.ok(decision?.kind === 'requeue');
    assert.deepEqual(decision.lease, { trialId: trialIdOf(1), attempt: 1, token: 7n });
    assert.equal(decision.failure.code, 'LEASE_LOST');
    assert.equal(decision.delayMs, 0);
  });

  it('fails its trial when ten have been lost', () => assert.equal(decide(lent(9), LEASE_MS)[0]?.kind, 'fail'));

  it('lasts longer when it is renewed, by its current token only', () => {
    const snapshot = lent();
    const lease = { trialId: trialIdOf(1), attempt: 1, token: 7n };
    assert.equal(snapshot.renew({ ...lease, token: 6n }, 500), false);
    assert.equal(snapshot.renew(lease, 500), true);
    assert.deepEqual(decide(snapshot, LEASE_MS + 499), []);
    assert.equal(decide(snapshot, LEASE_MS + 500).length, 1);
  });

  it('cannot be renewed once its attempt has ended', () => {
    const snapshot = lent();
    const lease = { trialId: trialIdOf(1), attempt: 1, token: 7n };
    snapshot.apply({ kind: 'succeeded', lease, result: resultOf(1) }, 10);
    assert.equal(snapshot.renew(lease, 20), false);
    assert.equal(snapshot.nextWakeMs(), null);
  });
});

describe('a trial that is lent ahead', () => {
  /** Trial 1 of three runs at `a`, which can hold one more. */
  const busy = () => {
    const snapshot = snapshotOf([standingOf(1), standingOf(2), standingOf(3)]);
    snapshot.addWorker('a', 1, 1);
    snapshot.apply(begunOf(1, 'a', 1n), 0);
    return snapshot;
  };
  /** Trial 1 is about to end, and trial 2 waits behind it. */
  const waiting = () => {
    const snapshot = busy();
    snapshot.noteEndsSoon(begunOf(1, 'a', 1n).lease);
    snapshot.apply(begunOf(2, 'a', 2n), 0);
    return snapshot;
  };

  it('goes to a worker whose attempt is about to end, and to no other', () => {
    const snapshot = busy();
    assert.deepEqual(grants(snapshot), []);
    assert.equal(snapshot.noteEndsSoon(begunOf(1, 'a', 9n).lease), false, 'under a token that is not its own');
    assert.deepEqual(grants(snapshot), []);
    assert.equal(snapshot.noteEndsSoon(begunOf(1, 'a', 1n).lease), true);
    assert.equal(snapshot.noteEndsSoon(begunOf(1, 'a', 1n).lease), false, 'which is no news');
    assert.deepEqual(grants(snapshot), ['2 to a']);
  });

  it('is one for each attempt that is about to end, as far as the worker holds them', () => {
    const snapshot = snapshotOf([1, 2, 3, 4, 5].map((number) => standingOf(number)));
    snapshot.addWorker('a', 3, 2);
    for (const number of [1, 2, 3]) snapshot.apply(begunOf(number, 'a', BigInt(number)), 0);
    snapshot.noteEndsSoon(begunOf(2, 'a', 2n).lease);
    assert.deepEqual(grants(snapshot), ['4 to a']);
    snapshot.noteEndsSoon(begunOf(1, 'a', 1n).lease);
    snapshot.noteEndsSoon(begunOf(3, 'a', 3n).lease);
    assert.deepEqual(grants(snapshot), ['4 to a', '5 to a']);
  });

  it('goes nowhere ahead while another worker is free', () => {
    const snapshot = busy();
    snapshot.noteEndsSoon(begunOf(1, 'a', 1n).lease);
    snapshot.addWorker('b', 1, 1);
    assert.deepEqual(grants(snapshot), ['2 to b', '3 to a']);
  });

  it('is followed by no other until it runs and is about to end itself', () => {
    const snapshot = waiting();
    assert.deepEqual(grants(snapshot), []);
    snapshot.apply({ kind: 'succeeded', lease: begunOf(1, 'a', 1n).lease, result: resultOf(1) }, 0);
    assert.deepEqual(grants(snapshot), []);
    snapshot.noteEndsSoon(begunOf(2, 'a', 2n).lease);
    assert.deepEqual(grants(snapshot), ['3 to a']);
  });

  it('does not take the place of an attempt whose forerunner was about to end', () => {
    const snapshot = busy();
    const { lease } = begunOf(1, 'a', 1n);
    snapshot.noteEndsSoon(lease);
    snapshot.apply({ kind: 'requeued', lease, failure: failureOf('lost'), delayMs: 0 }, 0);
    snapshot.apply(begunOf(1, 'a', 2n, 2), 0);
    assert.deepEqual(grants(snapshot), []);
  });

  it('is taken back for a worker that is free, once nothing else is left to lend', () => {
    const snapshot = waiting();
    snapshot.addWorker('b', 1, 1);
    assert.deepEqual(grants(snapshot), ['3 to b']);
    snapshot.apply(begunOf(3, 'b', 3n), 0);
    snapshot.apply({ kind: 'succeeded', lease: begunOf(3, 'b', 3n).lease, result: resultOf(1) }, 0);
    assert.deepEqual(grants(snapshot), ['2 back from a']);
    snapshot.apply({ kind: 'requeued', lease: begunOf(2, 'a', 2n).lease, failure: null, delayMs: 0 }, 0);
    assert.deepEqual(grants(snapshot), ['2 to b']);
  });

  it('is not taken back once it has begun, or from a worker that is out of reach and may have begun it', () => {
    const begins = waiting();
    begins.apply({ kind: 'cancelled', trialId: trialIdOf(3), lease: null }, 0);
    begins.apply({ kind: 'succeeded', lease: begunOf(1, 'a', 1n).lease, result: resultOf(1) }, 0);
    begins.addWorker('b', 1, 1);
    assert.deepEqual(grants(begins), []);
    const away = waiting();
    away.apply({ kind: 'cancelled', trialId: trialIdOf(3), lease: null }, 0);
    away.setAvailable('a', false);
    away.addWorker('b', 1, 1);
    assert.deepEqual(grants(away), []);
  });

  it('costs nothing when its lease runs out before it has begun', () => {
    const snapshot = waiting();
    assert.deepEqual(grants(snapshot, LEASE_MS), ['requeue', '2 back from a']);
  });
});

describe('whatever runs, waits or ends where', () => {
  type Step =
    | { readonly kind: 'join'; readonly worker: string; readonly slots: number; readonly prefetch: number }
    | { readonly kind: 'leave'; readonly worker: string }
    | { readonly kind: 'ends soon' | 'ends'; readonly worker: string; readonly place: number };

  const worker = fc.constantFrom('a', 'b', 'c');
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      kind: fc.constant('join' as const),
      worker,
      slots: fc.integer({ min: 1, max: 3 }),
      prefetch: fc.nat(2),
    }),
    fc.record({ kind: fc.constant('leave' as const), worker }),
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constantFrom('ends soon' as const, 'ends' as const),
        worker,
        place: fc.nat(3),
      }),
    },
  );

  /** Carries out what is decided, as the control plane does, until nothing is. */
  const settle = (snapshot: Snapshot, nextToken: () => bigint) => {
    for (let round = 0; ; round += 1) {
      assert.ok(round < 20, 'it does not come to an end');
      const decisions = decide(snapshot, 0);
      if (decisions.length === 0) return;
      for (const decision of decisions) {
        if (decision.kind === 'grant') {
          const { trialId, workerId } = decision;
          const attempt = (snapshot.standing(trialId)?.attempts ?? 0) + 1;
          snapshot.apply({ kind: 'begun', lease: { trialId, attempt, token: nextToken() }, workerId }, 0);
        } else {
          assert.equal(decision.kind, 'recall');
          assert.ok(snapshot.isWaiting(decision.lease), 'what has begun is taken back');
          snapshot.apply({ kind: 'requeued', lease: decision.lease, failure: null, delayMs: 0 }, 0);
        }
      }
    }
  };

  it('no trial waits while a worker within reach is free, and no worker holds more than it can', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.array(step, { maxLength: 40 }), (trials, steps) => {
        const snapshot = snapshotOf(Array.from({ length: trials }, (_, index) => standingOf(index + 1)));
        const room = new Map<string, number>();
        let token = 0n;
        for (const each of steps) {
          const lease = 'place' in each ? snapshot.heldBy(each.worker)[each.place] : undefined;
          if (each.kind === 'join' && !room.has(each.worker)) {
            snapshot.addWorker(each.worker, each.slots, each.prefetch);
            room.set(each.worker, each.slots + each.prefetch);
          } else if (each.kind === 'leave') snapshot.setAvailable(each.worker, false);
          else if (each.kind === 'ends soon' && lease !== undefined) snapshot.noteEndsSoon(lease);
          else if (each.kind === 'ends' && lease !== undefined && !snapshot.isWaiting(lease))
            snapshot.apply({ kind: 'succeeded', lease, result: resultOf(1) }, 0);
          settle(snapshot, () => {
            token += 1n;
            return token;
          });
          for (const [workerId, most] of room) assert.ok(snapshot.heldBy(workerId).length <= most);
          if (snapshot.freeSlots().length === 0) continue;
          assert.deepEqual(snapshot.plan(0).grants, []);
          assert.deepEqual(snapshot.waiting(), []);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a snapshot', () => {
  it("counts each sweep's trials by state as events come", () => {
    const snapshot = snapshotOf([standingOf(1), standingOf(2), standingOf(3, { state: 'succeeded' })], [standingOf(1)]);
    snapshot.apply(begunOf(1, 'a'), 0);
    assert.deepEqual(snapshot.summary('sweep-0'), {
      sweep: 'sweep-0',
      total: 3,
      counts: { queued: 1, running: 1, succeeded: 1, failed: 0, cancelled: 0 },
    });
    snapshot.apply({ kind: 'failed', lease: begunOf(1, 'a').lease, failure: failureOf('user') }, 0);
    snapshot.apply({ kind: 'cancelled', trialId: trialIdOf(2), lease: null }, 0);
    assert.deepEqual(snapshot.summary('sweep-0')?.counts, {
      queued: 0,
      running: 0,
      succeeded: 1,
      failed: 1,
      cancelled: 1,
    });
    assert.deepEqual(snapshot.summary('sweep-1')?.counts, {
      queued: 0,
      running: 0,
      succeeded: 0,
      failed: 1,
      cancelled: 0,
    });
  });

  it('lets what runs go on when no sweep wants it any more', () => {
    const snapshot = snapshotOf([standingOf(1)]);
    snapshot.apply(begunOf(1, 'a', 3n), 0);
    snapshot.removeSweep('sweep-0', 0);
    assert.ok(snapshot.isCurrent({ trialId: trialIdOf(1), attempt: 1, token: 3n }));
    snapshot.apply({ kind: 'requeued', lease: begunOf(1, 'a', 3n).lease, failure: null, delayMs: 0 }, 0);
    assert.equal(snapshot.standing(trialIdOf(1)), null);
  });

  it('gives an attempt of a former control plane to its worker when that comes back', () => {
    const snapshot = new Snapshot(LEASE_MS);
    snapshot.adopt({ ...standingOf(1, { state: 'running' }), attempts: 2, token: 5n, workerId: 'a' }, 100);
    snapshot.addWorker('a', 1);
    assert.deepEqual(snapshot.heldBy('a'), [{ trialId: trialIdOf(1), attempt: 2, token: 5n }]);
    assert.deepEqual(snapshot.freeSlots(), []);
    assert.equal(snapshot.nextWakeMs(), 100 + LEASE_MS);
  });
});
