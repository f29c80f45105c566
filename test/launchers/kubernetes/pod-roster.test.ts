import assert from 'node:assert/strict';
import type { Failure } from '../../../orchestrator/core/domain.js';
import { PodRoster } from '../../../orchestrator/launchers/kubernetes/pod-roster.js';
import { ended, podOf, RUNNING } from './pods.js';

describe('the roster of pods', () => {
  let told: [string, Failure['code']][];
  let roster: PodRoster;
  beforeEach(() => {
    told = [];
    roster = new PodRoster(
      ({ pod }, { code }) => told.push([pod.metadata.name, code]),
      () => 0,
    );
  });

  it('tells of each end once, however often it is seen', () => {
    const last = podOf({ name: 'p', state: ended(1) });
    roster.hear('MODIFIED', podOf({ name: 'p', state: RUNNING }));
    roster.hear('MODIFIED', last);
    roster.asks();
    roster.listed([last]);
    roster.hear('DELETED', last);
    roster.asks();
    roster.listed([]);
    assert.deepEqual(told, [['p', 'WORKER_EXITED']]);
  });

  it('tells of a pod that is gone from the list', () => {
    roster.listed([podOf({ name: 'p', state: RUNNING }), podOf({ name: 'q', state: RUNNING })]);
    roster.listed([podOf({ name: 'q', state: RUNNING })]);
    assert.deepEqual(told, [['p', 'WORKER_EXITED']]);
    assert.deepEqual(
      roster.workers.map(({ workerId }) => workerId),
      ['q'],
    );
  });

  it('believes what it has heard since it asked, and not the list that was made meanwhile', () => {
    const [p, q] = [podOf({ name: 'p', state: RUNNING }), podOf({ name: 'q', state: RUNNING })];
    roster.listed([q]);
    roster.asks();
    roster.hear('ADDED', p);
    roster.hear('DELETED', q);
    roster.listed([q]);
    const there = () => roster.workers.map(({ workerId }) => workerId);
    assert.deepEqual([told.map(([name]) => name), there()], [['q'], ['p']]);
    roster.asks();
    roster.listed([]);
    assert.deepEqual([told.map(([name]) => name), there()], [['q', 'p'], []]);
  });

  it('knows from its last state that a pod that is gone was told to end', () => {
    roster.hear('MODIFIED', podOf({ name: 'p', deleted: true, state: RUNNING }));
    roster.asks();
    roster.listed([]);
    assert.deepEqual(told, [['p', 'WORKER_STOPPED']]);
  });

  it('tells of an end since when its worker ran', () => {
    const since: (number | null)[] = [];
    let nowMs = 5;
    const timed = new PodRoster(
      ({ runningSinceMs }) => since.push(runningSinceMs),
      () => nowMs,
    );
    timed.hear('MODIFIED', podOf({ name: 'p', state: RUNNING }));
    nowMs = 90;
    timed.hear('MODIFIED', podOf({ name: 'p', state: RUNNING }));
    timed.hear('MODIFIED', podOf({ name: 'p', state: ended(1) }));
    timed.hear('MODIFIED', podOf({ name: 'q', state: ended(1) }));
    assert.deepEqual(since, [5, null]);
  });

  it('takes a pod of the same name and another uid for another one', () => {
    roster.hear('MODIFIED', podOf({ name: 'p', uid: 'one', state: ended(1) }));
    roster.hear('MODIFIED', podOf({ name: 'p', uid: 'two', state: ended(1) }));
    assert.equal(told.length, 2);
  });
});
