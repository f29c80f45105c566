import assert from 'node:assert/strict';
import { kubernetesSettingsOf } from '../../../orchestrator/core/sweep/places/kubernetes-settings.js';
import { type Job, parseJob } from '../../../orchestrator/launchers/kubernetes/kube-objects.js';
import { partsOf } from '../../../orchestrator/launchers/kubernetes/pool-parts.js';

const POOL = 'a-12345678';

function poolOf(workers: number, { max = 3, podPerTrial = true } = {}) {
  const [settings = assert.fail()] = kubernetesSettingsOf({ pools: [{ name: 'a', max }], podPerTrial });
  return { key: POOL, settings, workers, widest: 1, narrowest: 1 };
}

type JobState = 'runs' | 'waits' | 'has ended' | 'is over' | 'goes';

function jobsOf(states: Readonly<Record<string, JobState>>): ReadonlyMap<string, Job> {
  const jobs = Object.entries(states).map(([key, state]): [string, Job] => {
    const goes = state === 'goes' ? { deletionTimestamp: '2026-11-26T00:00:00Z' } : {};
    const conditions = state === 'is over' ? [{ type: 'Complete', status: 'True' }] : [];
    const status = { succeeded: state === 'has ended' ? 1 : 0, conditions };
    const spec = { completions: 1, parallelism: 1, suspend: state === 'waits' };
    return [key, parseJob({ metadata: { name: key, uid: key, ...goes }, spec, status })];
  });
  return new Map(jobs);
}

/** Seats by number, and whether each should have a worker. */
function seats(workers: number, states: Readonly<Record<number, JobState>> = {}, max = 3): Record<string, number> {
  const jobs = jobsOf(Object.fromEntries(Object.entries(states).map(([seat, state]) => [`${POOL}-${seat}`, state])));
  const parts = partsOf(poolOf(workers, { max }), jobs);
  return Object.fromEntries(parts.map(({ key, workers: each }) => [key.slice(POOL.length + 1), each]));
}

describe('the parts of a pool', () => {
  it('are itself where its workers take one trial after the other', () => {
    const parts = partsOf(poolOf(2, { podPerTrial: false }), new Map());
    assert.deepEqual(
      parts.map(({ key, pool, workers }) => [key, pool, workers]),
      [[POOL, POOL, 2]],
    );
  });

  it('are as many seats as it should have workers', () => {
    assert.deepEqual(seats(2), { 0: 1, 1: 1 });
    assert.deepEqual(seats(0), {});
  });

  it('keep those that may have a trial, whichever they are', () => {
    assert.deepEqual(seats(1, { 2: 'runs' }), { 2: 1 });
    assert.deepEqual(seats(1, { 1: 'runs', 2: 'runs' }), { 1: 1, 2: 1 });
    assert.deepEqual(seats(2, { 2: 'runs' }), { 0: 1, 2: 1 });
    assert.deepEqual(seats(1, { 7: 'runs' }), { 7: 1 }, 'of a time when it could have more');
  });

  it('are given up where they wait for a queue and are too many', () => {
    assert.deepEqual(seats(1, { 0: 'waits', 1: 'runs' }), { 0: 0, 1: 1 });
    assert.deepEqual(seats(2, { 1: 'waits', 2: 'runs' }), { 1: 1, 2: 1 });
    assert.deepEqual(seats(1, { 1: 'waits' }), { 1: 1 });
  });

  it('are made anew at once where there is another number, and else when the Job before is gone', () => {
    for (const state of ['has ended', 'is over', 'goes'] as const) {
      assert.deepEqual(seats(1, { 0: state }), { 0: 0, 1: 1 });
      assert.deepEqual(seats(1, { 0: state }, 1), { 0: 1 });
    }
  });

  it('are wanted no more when nothing is to be done', () => {
    assert.deepEqual(seats(0, { 0: 'runs', 1: 'is over' }), { 0: 0, 1: 0 });
  });

  it('are none of another pool, and none that it had before it was one of seats', () => {
    const jobs = jobsOf({ [POOL]: 'runs', [`${POOL}-87654321`]: 'runs', 'b-12345678-0': 'runs' });
    assert.deepEqual(partsOf(poolOf(0), jobs), []);
  });
});
