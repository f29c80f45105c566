import assert from 'node:assert/strict';
import type { Failure } from '../../../orchestrator/core/domain.js';
import { decide } from '../../../orchestrator/core/schedule/schedule.js';
import { Snapshot } from '../../../orchestrator/core/schedule/snapshot.js';
import { described, placeOf, standingsOf } from '../../support/standings.js';
import { failureOf, resultOf, trialIdOf } from '../../support/trials.js';

const LEASE_MS = 1_000;
const KILLED = failureOf('lost', 'CHILD_KILLED');

describe('a host', () => {
  let snapshot: Snapshot;
  let token: bigint;

  /** Two workers on one host, and one on another. */
  beforeEach(() => {
    token = 0n;
    snapshot = new Snapshot(LEASE_MS);
    snapshot.addSweep('a', placeOf(1), standingsOf(20, 1), 0);
    snapshot.addWorker('bad-1', 1, 0, 'bad');
    snapshot.addWorker('bad-2', 1, 0, 'bad');
    snapshot.addWorker('good-1', 1, 0, 'good');
  });

  const begin = (number: number, workerId: string) => {
    token += 1n;
    const attempt = (snapshot.standing(trialIdOf(number))?.attempts ?? 0) + 1;
    const lease = { trialId: trialIdOf(number), attempt, token };
    snapshot.apply({ kind: 'begun', lease, workerId }, 0);
    return lease;
  };
  const fail = (number: number, workerId: string, failure: Failure = KILLED, isLast = false) => {
    const lease = begin(number, workerId);
    if (isLast) snapshot.apply({ kind: 'failed', lease, failure }, 0);
    else snapshot.apply({ kind: 'requeued', lease, failure, delayMs: 0 }, 0);
  };
  const succeed = (number: number, workerId: string) =>
    snapshot.apply({ kind: 'succeeded', lease: begin(number, workerId), result: resultOf(1) }, 0);
  const decided = () => decide(snapshot, 0).map(described);
  const carryOut = () => {
    for (const each of decide(snapshot, 0)) if (each.kind === 'drain') snapshot.drainHost(each.host, each.reason);
  };

  it('is drained once three different trials in a row have died there, on whichever of its workers', () => {
    fail(1, 'bad-1');
    fail(2, 'bad-2');
    assert.ok(!decided().includes('bad is drained'));
    fail(3, 'bad-1');
    const [decision] = decide(snapshot, 0);
    assert.ok(decision?.kind === 'drain');
    assert.equal(decision.host, 'bad');
    assert.match(
      decision.reason,
      /^3 different trials in a row died, hung or got no memory on host bad \(0+1, 0+2, 0+3\) and none succeeded/,
    );
    assert.deepEqual(snapshot.drainHost(decision.host, decision.reason), ['bad-1', 'bad-2']);
    assert.equal(snapshot.drainedReason('bad-2'), decision.reason);
    assert.equal(snapshot.drainedReason('good-1'), '');
    assert.deepEqual(decided(), ['1 to good-1']);
  });

  it('counts a trial that fails for good there, though that is called otherwise', () => {
    fail(1, 'bad-1', failureOf('infrastructure', 'CHILD_CRASHED'), true);
    fail(2, 'bad-1', failureOf('user', 'TRIAL_QUARANTINED'), true);
    fail(3, 'bad-1');
    assert.deepEqual(decided(), ['bad is drained']);
  });

  it('is drained as well where trials hang or get no memory, which is no death of theirs', () => {
    fail(1, 'bad-1', failureOf('infrastructure', 'CHILD_HUNG'));
    fail(2, 'bad-2', failureOf('infrastructure', 'OUT_OF_MEMORY'));
    assert.deepEqual(
      [1, 2].flatMap((number) => snapshot.diedOn(trialIdOf(number))),
      [],
    );
    fail(3, 'bad-1');
    assert.deepEqual(decided(), ['bad is drained']);
  });

  it('is not drained for one trial that dies again and again, or for what is no death', () => {
    for (let time = 0; time < 4; time += 1) fail(1, 'bad-1');
    for (const code of ['LEASE_LOST', 'INTERNAL', 'NON_FINITE_LOSS']) fail(2, 'bad-1', failureOf('lost', code));
    snapshot.apply({ kind: 'requeued', lease: begin(3, 'bad-1'), failure: null, delayMs: 0 }, 0);
    fail(4, 'good-1');
    assert.ok(decided().every((each) => !each.includes('drained')));
  });

  it('is trusted as before by a success between', () => {
    fail(1, 'bad-1');
    fail(2, 'bad-1');
    succeed(3, 'bad-2');
    fail(4, 'bad-1');
    fail(5, 'bad-1');
    assert.ok(!decided().includes('bad is drained'));
    fail(6, 'bad-1');
    assert.deepEqual(decided(), ['bad is drained']);
  });

  const drainBad = () => {
    for (const number of [1, 2, 3]) fail(number, 'bad-1');
    carryOut();
  };

  it('that is drained goes on where no other is left, and stops when there is one again', () => {
    drainBad();
    assert.deepEqual(decided(), ['1 to good-1']);
    snapshot.setAvailable('good-1', false);
    assert.deepEqual(decided(), ['4 to bad-1', '1 to bad-2']);
    snapshot.setAvailable('good-1', true);
    assert.deepEqual(decided(), ['1 to good-1']);
    for (const number of [4, 5, 6]) fail(number, 'good-1');
    carryOut();
    assert.equal(decided().length, 3, 'none is better than the others');
  });

  it('that is drained stays so when its worker comes back, until that is another process', () => {
    drainBad();
    snapshot.addWorker('bad-1', 1, 0, 'bad');
    assert.deepEqual(decided(), ['1 to good-1']);
    snapshot.removeWorker('bad-1');
    snapshot.addWorker('bad-1', 1, 0, 'bad');
    assert.deepEqual(decided(), ['1 to good-1', '4 to bad-1']);
    assert.notEqual(snapshot.drainedReason('bad-2'), '');
  });

  it('that is drained gives back what it holds ready as soon as another could begin it', () => {
    snapshot.addWorker('bad-1', 1, 1, 'bad');
    drainBad();
    begin(4, 'bad-1');
    begin(5, 'bad-1');
    for (let number = 1; number <= 20; number += 1) {
      if (number !== 4 && number !== 5)
        snapshot.apply({ kind: 'cancelled', trialId: trialIdOf(number), lease: null }, 0);
    }
    assert.deepEqual(decided(), ['5 back from bad-1']);
  });
});
