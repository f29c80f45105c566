import assert from 'node:assert/strict';
import { kubernetesSettingsOf } from '../../../orchestrator/core/sweep/places/kubernetes-settings.js';
import { countIndexes, type Job, parseJob } from '../../../orchestrator/launchers/kubernetes/kube-objects.js';
import { type PoolTarget, poolActions } from '../../../orchestrator/launchers/kubernetes/pool-actions.js';

interface JobWish {
  readonly size?: number;
  readonly succeeded?: number;
  readonly failedIndexes?: string;
  readonly joined?: boolean;
  readonly template?: string;
  readonly deleted?: boolean;
  readonly suspended?: boolean;
  readonly end?: 'Complete' | 'Failed';
}

function jobOf({
  size = 2,
  succeeded = 0,
  failedIndexes = '',
  joined = true,
  template = 'T',
  ...wish
}: JobWish = {}): Job {
  return parseJob({
    metadata: {
      name: 'dss-a',
      uid: 'u',
      labels: { 'dss.internal/pool': 'a' },
      annotations: { 'dss.internal/template': template, ...(joined ? { 'dss.internal/joined': 'true' } : {}) },
      ...(wish.deleted ? { deletionTimestamp: '2026-11-26T00:00:00Z' } : {}),
    },
    spec: { completions: size, parallelism: size, suspend: wish.suspended ?? false },
    status: {
      succeeded,
      failedIndexes,
      conditions: wish.end === undefined ? [] : [{ type: wish.end, status: 'True' }],
    },
  });
}

function targetOf(workers: number, more: Partial<PoolTarget> = {}, queue?: string): PoolTarget {
  const pool = { name: 'a', min: 0, max: 9, idleMinutes: 1, ...(queue === undefined ? {} : { queue }) };
  const [settings] = kubernetesSettingsOf({ pools: [pool] });
  if (settings === undefined) assert.fail();
  const calm = { running: 0, busy: 0, surplusSinceMs: null, tooFewSinceMs: null, notBeforeMs: 0 };
  return { key: 'a', settings, workers, widest: 1, narrowest: 1, templateHash: 'T', ...calm, ...more };
}

function actions(target: PoolTarget | null, job: Job | null, { nowMs = 0, mayStart = true } = {}): readonly string[] {
  const done = poolActions(target === null ? [] : [target], job === null ? [] : [job], { nowMs, mayStart });
  return done.map((each) => {
    const what = 'workers' in each ? `${each.kind} ${each.workers}` : each.kind;
    return 'suspend' in each && each.suspend ? `${what}, suspended` : what;
  });
}

describe('a pool', () => {
  it('is made when it is wanted', () => assert.deepEqual(actions(targetOf(3), null), ['create 3']));
  it('is not made for nothing', () => assert.deepEqual(actions(targetOf(0), null), []));
  it('is not made while the control plane drains', () => {
    assert.deepEqual(actions(targetOf(3), null, { mayStart: false }), []);
  });
  it('waits after Jobs that failed', () => {
    assert.deepEqual(actions(targetOf(3, { notBeforeMs: 10 }), null, { nowMs: 9 }), []);
    assert.deepEqual(actions(targetOf(3, { notBeforeMs: 10 }), null, { nowMs: 10 }), ['create 3']);
  });
  it('waits after what was refused, whatever is to be done', () => {
    const waits = { notBeforeMs: 10, surplusSinceMs: -60_000, tooFewSinceMs: -900_000 };
    for (const job of [{}, { joined: false }, { end: 'Failed' }, { template: 'old' }] as const) {
      for (const workers of [0, 1, 5])
        assert.deepEqual(actions(targetOf(workers, waits), jobOf(job), { nowMs: 9 }), []);
    }
    assert.deepEqual(actions(targetOf(5, { notBeforeMs: 10 }), jobOf(), { nowMs: 10 }), ['resize 5']);
  });
  it('that is as it should be is left alone', () => assert.deepEqual(actions(targetOf(2), jobOf()), []));
  it('grows at once', () => assert.deepEqual(actions(targetOf(5), jobOf()), ['resize 5']));
  it('keeps workers that have a trial, and those before them, when it has had too many for long', () => {
    const surplus = { surplusSinceMs: -60_000 };
    assert.deepEqual(actions(targetOf(1, { ...surplus, busy: 3 }), jobOf({ size: 5 })), ['resize 3']);
    assert.deepEqual(actions(targetOf(1, { ...surplus, busy: 5 }), jobOf({ size: 5 })), []);
    assert.deepEqual(actions(targetOf(0, { ...surplus, busy: 2 }), jobOf({ size: 5 })), ['resize 2']);
    assert.deepEqual(actions(targetOf(0, { ...surplus, busy: 1 }), jobOf({ size: 1 })), []);
    assert.deepEqual(actions(targetOf(1, { ...surplus, busy: 2 }), jobOf({ size: 5, succeeded: 2 })), ['resize 3']);
    assert.deepEqual(actions(targetOf(0, surplus), jobOf({ size: 1 })), ['delete']);
    // Of another size, its queue would have it wait, its workers included.
    assert.deepEqual(actions(targetOf(0, { ...surplus, busy: 2 }, 'q'), jobOf({ size: 5 })), []);
  });
  it('shrinks when it has had too many for its idle time', () => {
    const target = targetOf(1, { surplusSinceMs: 0 });
    assert.deepEqual(actions(target, jobOf(), { nowMs: 59_999 }), []);
    assert.deepEqual(actions(target, jobOf(), { nowMs: 60_000 }), ['resize 1']);
  });
  it('goes when it has been idle for so long', () => {
    assert.deepEqual(actions(targetOf(0, { surplusSinceMs: 0 }), jobOf(), { nowMs: 60_000 }), ['delete']);
  });
  it('goes when no sweep asks for it', () => assert.deepEqual(actions(null, jobOf()), ['delete']));
  it('is made anew when it is over, or its pods should be others', () => {
    assert.deepEqual(actions(targetOf(2), jobOf({ end: 'Failed' })), ['delete']);
    assert.deepEqual(actions(targetOf(2), jobOf({ end: 'Complete' })), ['delete']);
    assert.deepEqual(actions(targetOf(2), jobOf({ template: 'old' })), ['delete']);
  });
  it('that goes already is waited for', () => assert.deepEqual(actions(targetOf(2), jobOf({ deleted: true })), []));
  it('counts workers that are over besides those that it wants', () => {
    assert.deepEqual(actions(targetOf(2), jobOf({ size: 2, succeeded: 1 })), ['resize 3']);
    assert.deepEqual(actions(targetOf(2), jobOf({ size: 5, succeeded: 1, failedIndexes: '0,3' })), []);
  });
  it('is given back when too few of a gang have come for a quarter of an hour', () => {
    const target = targetOf(4, { widest: 4, narrowest: 4, running: 3, tooFewSinceMs: 0 });
    assert.deepEqual(actions(target, jobOf({ size: 4 }), { nowMs: 899_999 }), []);
    assert.deepEqual(actions(target, jobOf({ size: 4 }), { nowMs: 900_000 }), ['release 3']);
    assert.deepEqual(actions(target, jobOf({ size: 4 }), { nowMs: 900_000, mayStart: false }), []);
  });
  it('gets its Secret when the control plane before it ended in between', () => {
    assert.deepEqual(actions(targetOf(2), jobOf({ joined: false })), ['join']);
  });
});

describe('a seat of a pool', () => {
  const seat = (workers: number, more: Partial<PoolTarget> = {}) => {
    const target = targetOf(workers, more);
    return { ...target, settings: { ...target.settings, shape: { ...target.settings.shape, podPerTrial: true } } };
  };
  const one = { size: 1 } as const;

  it('is made for one worker, and left alone while that runs', () => {
    assert.deepEqual(actions(seat(1), null), ['create 1']);
    assert.deepEqual(actions(seat(1), jobOf(one)), []);
  });
  it('is not resized when its worker has had its trial, and goes when Kubernetes says that it is over', () => {
    for (const workers of [0, 1]) {
      assert.deepEqual(actions(seat(workers), jobOf({ ...one, succeeded: 1 })), []);
      assert.deepEqual(actions(seat(workers), jobOf({ ...one, succeeded: 1, end: 'Complete' })), ['delete']);
    }
  });
  it('goes when its pool has been idle for long enough', () => {
    const idle = seat(0, { surplusSinceMs: 0 });
    assert.deepEqual(actions(idle, jobOf(one), { nowMs: 59_999 }), []);
    assert.deepEqual(actions(idle, jobOf(one), { nowMs: 60_000 }), ['delete']);
  });
  it('is given back with the others when too few of a gang have come', () => {
    const target = seat(1, { narrowest: 2, running: 1, tooFewSinceMs: 0 });
    assert.deepEqual(actions(target, jobOf(one), { nowMs: 900_000 }), ['release 1']);
  });
});

describe('indexes as Kubernetes writes them', () => {
  for (const [text, count] of [
    ['', 0],
    ['3', 1],
    ['0,3-5', 4],
    ['0-9,12', 11],
  ] as const) {
    it(`"${text}" are ${count}`, () => assert.equal(countIndexes(text), count));
  }
});

describe('a pool of a queue', () => {
  const idle = { surplusSinceMs: 0 };
  const sizes: readonly (readonly [string, number, Partial<PoolTarget>, JobWish, readonly string[]])[] = [
    ['grows while it waits for its turn', 3, {}, { suspended: true }, ['resize 3']],
    ['shrinks while it waits for its turn', 1, idle, { suspended: true }, ['resize 1']],
    ['keeps its size once it was let in, though more is to do', 3, {}, {}, []],
    ['keeps its size once it was let in, though less is to do', 1, idle, {}, []],
    ['stays until it has been idle for long enough', 0, { surplusSinceMs: 60_000 }, {}, []],
    ['goes when it has been idle for long enough', 0, idle, {}, ['delete']],
    ['waits anew, all of it, when it was let in too small for a gang', 3, { widest: 3 }, {}, ['resize 3, suspended']],
    ['keeps its size when a gang fits in it, though more is to do', 4, { widest: 2 }, {}, []],
    ['grows for a gang while it waits for its turn', 3, { widest: 3 }, { suspended: true }, ['resize 3']],
  ];
  for (const [what, workers, more, job, expected] of sizes) {
    it(what, () => {
      assert.deepEqual(actions(targetOf(workers, more, 'q'), jobOf(job), { nowMs: 60_000 }), expected);
    });
  }
});
