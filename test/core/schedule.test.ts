import assert from 'node:assert/strict';
import type { TrialState } from '../../orchestrator/core/domain.js';
import type { JournalEvent } from '../../orchestrator/core/events.js';
import { decide } from '../../orchestrator/core/schedule.js';
import { Snapshot, type TrialStanding } from '../../orchestrator/core/snapshot.js';
import { failureOf, resultOf, trialIdOf } from '../support/trials.js';

const LEASE_MS = 1_000;

function standing(number: number, state: TrialState = 'queued', lost = 0): TrialStanding {
  const spent = { infrastructure: 0, lost };
  return { trialId: trialIdOf(number), state, attempts: 0, token: 0n, workerId: null, spent };
}

function snapshotOf(...sweeps: (readonly TrialStanding[])[]): Snapshot {
  const snapshot = new Snapshot(LEASE_MS);
  for (const [order, trials] of sweeps.entries()) snapshot.addSweep(`sweep-${order}`, order, trials, 0);
  return snapshot;
}

function begun(number: number, workerId: string, token = 1n, attempt = 1): JournalEvent & { kind: 'begun' } {
  return { kind: 'begun', lease: { trialId: trialIdOf(number), attempt, token }, workerId };
}

function grants(snapshot: Snapshot, nowMs = 0): readonly string[] {
  return decide(snapshot, nowMs).map((each) =>
    each.kind === 'grant' ? `${Number(`0x${each.trialId}`)} to ${each.workerId}` : each.kind,
  );
}

describe('a decision', () => {
  it('is none without workers, and none without trials', () => {
    assert.deepEqual(grants(snapshotOf([standing(1)])), []);
    const idle = snapshotOf();
    idle.addWorker('w', 1);
    assert.deepEqual(grants(idle), []);
  });

  it('fills every slot in the order of sweeps, then of positions', () => {
    const snapshot = snapshotOf([standing(5), standing(2)], [standing(1), standing(9)]);
    snapshot.addWorker('a', 2);
    snapshot.addWorker('b', 1);
    assert.deepEqual(grants(snapshot), ['5 to a', '2 to a', '1 to b']);
  });

  it('is the same each time that it is asked for', () => {
    const snapshot = snapshotOf([standing(1), standing(2)]);
    snapshot.addWorker('a', 1);
    assert.deepEqual(decide(snapshot, 0), decide(snapshot, 0));
  });

  it('does not fill a slot that is taken, or of a worker that is not available', () => {
    const snapshot = snapshotOf([standing(1), standing(2), standing(3)]);
    snapshot.addWorker('a', 1);
    snapshot.addWorker('b', 1);
    snapshot.apply(begun(1, 'a'), 0);
    snapshot.setAvailable('b', false);
    assert.deepEqual(grants(snapshot), []);
    snapshot.setAvailable('b', true);
    assert.deepEqual(grants(snapshot), ['2 to b']);
  });

  it('leaves alone what no live sweep wants', () => {
    const snapshot = snapshotOf([standing(1), standing(2)]);
    snapshot.addWorker('a', 3);
    snapshot.addSweep('sweep-0', 7, [standing(2), standing(3)], 0);
    assert.deepEqual(grants(snapshot), ['2 to a', '3 to a']);
    snapshot.removeSweep('sweep-0');
    assert.deepEqual(grants(snapshot), []);
  });

  it('runs a trial that two sweeps share once, at the place of the earlier one', () => {
    const snapshot = snapshotOf([standing(1), standing(2)], [standing(3), standing(1)]);
    snapshot.addWorker('a', 5);
    assert.deepEqual(grants(snapshot), ['1 to a', '2 to a', '3 to a']);
    snapshot.removeSweep('sweep-0');
    assert.deepEqual(grants(snapshot), ['3 to a', '1 to a']);
  });

  it('waits out the delay of a trial that came back, and then keeps its place', () => {
    const snapshot = snapshotOf([standing(1), standing(2)]);
    snapshot.addWorker('a', 2);
    const { lease } = begun(1, 'a');
    snapshot.apply(begun(1, 'a'), 0);
    snapshot.apply({ kind: 'requeued', lease, failure: failureOf('infrastructure'), delayMs: 500 }, 0);
    assert.deepEqual(grants(snapshot, 499), ['2 to a']);
    assert.equal(snapshot.nextWakeMs(), 500);
    assert.deepEqual(grants(snapshot, 500), ['1 to a', '2 to a']);
  });
});

describe('a lease', () => {
  const lent = (lost = 0) => {
    const snapshot = snapshotOf([standing(1, 'queued', lost)]);
    snapshot.addWorker('a', 1);
    snapshot.apply(begun(1, 'a', 7n), 0);
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

describe('a snapshot', () => {
  it("counts each sweep's trials by state as events come", () => {
    const snapshot = snapshotOf([standing(1), standing(2), standing(3, 'succeeded')], [standing(1)]);
    snapshot.apply(begun(1, 'a'), 0);
    assert.deepEqual(snapshot.summary('sweep-0'), {
      sweep: 'sweep-0',
      total: 3,
      counts: { queued: 1, running: 1, succeeded: 1, failed: 0, cancelled: 0 },
    });
    snapshot.apply({ kind: 'failed', lease: begun(1, 'a').lease, failure: failureOf('user') }, 0);
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
    const snapshot = snapshotOf([standing(1)]);
    snapshot.apply(begun(1, 'a', 3n), 0);
    snapshot.removeSweep('sweep-0');
    assert.ok(snapshot.isCurrent({ trialId: trialIdOf(1), attempt: 1, token: 3n }));
    snapshot.apply({ kind: 'requeued', lease: begun(1, 'a', 3n).lease, failure: null, delayMs: 0 }, 0);
    assert.equal(snapshot.standing(trialIdOf(1)), null);
  });

  it('gives an attempt of a former control plane to its worker when that comes back', () => {
    const snapshot = new Snapshot(LEASE_MS);
    snapshot.adopt({ ...standing(1, 'running'), attempts: 2, token: 5n, workerId: 'a' }, 100);
    snapshot.addWorker('a', 1);
    assert.deepEqual(snapshot.heldBy('a'), [{ trialId: trialIdOf(1), attempt: 2, token: 5n }]);
    assert.deepEqual(snapshot.freeSlots(), []);
    assert.equal(snapshot.nextWakeMs(), 100 + LEASE_MS);
  });
});
