import assert from 'node:assert/strict';
import { apply } from '../../orchestrator/cli/watch/progress-lines.js';
import { SweepProgress, workOf } from '../../orchestrator/cli/watch/sweep-progress.js';
import type { TrialSettings } from '../../orchestrator/core/domain.js';
import type { TrialProgress } from '../../orchestrator/core/trial-progress.js';
import type { TrialChange, WatchEvent, WorkerState } from '../../orchestrator/core/watch-event.js';
import { failed, settingsOf, trialOf } from '../support/records.js';

function change(trialId: string, changes: Partial<TrialChange>): WatchEvent {
  return {
    kind: 'trial',
    trial: { trialId, state: 'running', attempt: 1, workerId: 'w0', failure: null, result: null, ...changes },
  };
}

function worker(workerId: string, changes: Partial<WorkerState> = {}): WatchEvent {
  return { kind: 'worker', worker: { workerId, slots: 1, running: [], gone: false, ...changes } };
}

function at(trialId: string, step = 0): TrialProgress {
  return { trialId, step, maxSteps: 100, loss: 1, examplesPerSecond: 10, phase: 'train' };
}

function sweepOf(...changes: readonly Partial<TrialSettings>[]) {
  const trials = changes.map((each) => trialOf(each));
  const progress = new SweepProgress(trials, () => 'queued');
  const ids = trials.map(({ trialId }) => trialId);
  const finish = (index: number, seconds: number) => {
    progress.apply(change(ids[index] ?? '', {}), 0);
    progress.apply(
      change(ids[index] ?? '', { state: 'succeeded', result: { testAccuracy: 0.5, seconds, environment: {} } }),
      0,
    );
  };
  return { progress, ids, finish };
}

describe('the work of a trial', () => {
  it('is the rows that pass through the model, twice for step-by-step', () => {
    const settings = { max_steps: 10, batch_size: 4, grad_steps: 2 };
    assert.equal(workOf(settingsOf({ ...settings, model_type: 'standard' })), 80);
    assert.equal(workOf(settingsOf({ ...settings, model_type: 'task_prefix' })), 160);
  });
});

describe('the time left', () => {
  it('is not known before anything was measured', () => {
    assert.equal(sweepOf({ seed: 0 }).progress.secondsLeft(1_000), null);
  });

  it('counts trials by their size, not by their number', () => {
    const { progress, finish } = sweepOf({ seed: 0 }, { seed: 1, max_steps: 1_000 });
    finish(0, 10);
    assert.equal(progress.secondsLeft(0), 100);
  });

  it('goes by what the same model took', () => {
    const { progress, finish } = sweepOf({ model: 'a' }, { model: 'b' }, { model: 'b', seed: 1 });
    finish(0, 1);
    finish(1, 50);
    assert.equal(progress.secondsLeft(0), 50);
  });

  it('shares the waiting trials among the workers and ends with the last of them', () => {
    const { progress, finish } = sweepOf({ seed: 0 }, { seed: 1 }, { seed: 2 }, { seed: 3 });
    progress.apply(worker('w0'), 0);
    progress.apply(worker('w1'), 0);
    finish(0, 10);
    assert.equal(progress.secondsLeft(0), 20);
    progress.apply(worker('w1', { gone: true }), 0);
    assert.equal(progress.secondsLeft(0), 30);
  });

  it('shares them among all the slots of a worker', () => {
    const { progress, finish } = sweepOf({ seed: 0 }, { seed: 1 }, { seed: 2 }, { seed: 3 }, { seed: 4 });
    progress.apply(worker('w0', { slots: 4 }), 0);
    finish(0, 10);
    assert.equal(progress.secondsLeft(0), 10);
  });

  it('goes by how far each trial of a worker is', () => {
    const { progress, ids } = sweepOf({ seed: 0 }, { seed: 1 });
    const [first = '', second = ''] = ids;
    for (const id of [first, second]) progress.apply(change(id, {}), 0);
    progress.apply(worker('w0', { slots: 2, running: [at(first, 10), at(second, 10)] }), 0);
    progress.apply(worker('w0', { slots: 2, running: [at(first, 50), at(second, 20)] }), 5_000);
    assert.equal(progress.secondsLeft(5_000), 80 * (10 / 50));
  });

  it('uses the running trials before one has finished', () => {
    const { progress, ids } = sweepOf({ seed: 0 }, { seed: 1 });
    progress.apply(change(ids[0] ?? '', {}), 0);
    progress.apply(worker('w0', { running: [at(ids[0] ?? '', 25)] }), 5_000);
    assert.equal(progress.secondsLeft(5_000), null);
    progress.apply(worker('w0', { running: [at(ids[0] ?? '', 50)] }), 10_000);
    assert.equal(progress.secondsLeft(10_000), 10 + 20);
  });

  it('knows nothing of how fast an attempt was before it was heard of, and forgets one that begins anew', () => {
    const { progress, ids } = sweepOf({ seed: 0 });
    const [id = ''] = ids;
    const heard = (step: number, atMs: number) => progress.apply(worker('w0', { running: [at(id, step)] }), atMs);
    progress.apply(change(id, {}), 0);
    heard(50, 10);
    heard(75, 5_010);
    assert.equal(progress.secondsLeft(5_010), 5);
    progress.apply(change(id, { state: 'queued', failure: failed({}).failure }), 2_000);
    progress.apply(change(id, { attempt: 2 }), 2_000);
    heard(10, 50_000);
    assert.equal(progress.secondsLeft(50_000), null);
    heard(20, 55_000);
    assert.equal(progress.secondsLeft(55_000), 40);
  });

  it('is nothing when all is done', () => {
    const { progress, finish } = sweepOf({ seed: 0 });
    finish(0, 10);
    assert.equal(progress.secondsLeft(0), 0);
  });
});

describe('what the slots of a worker do', () => {
  const { progress } = sweepOf({ seed: 0 });
  const shown = (slots: number, ...running: readonly string[]) => {
    progress.apply(worker('w', { slots, running: running.map((id) => at(id)) }), 0);
    return progress.workers.get('w')?.map((each) => each?.trialId ?? null);
  };

  it('is nothing before it begins', () => assert.deepEqual(shown(3), [null, null, null]));

  it('stays in its place until it ends, and what comes takes the place of what has gone', () => {
    assert.deepEqual(shown(3, 'a', 'b', 'c'), ['a', 'b', 'c']);
    assert.deepEqual(shown(3, 'b', 'c'), [null, 'b', 'c']);
    assert.deepEqual(shown(3, 'b', 'c', 'd'), ['d', 'b', 'c']);
  });

  it('is shown too when it is one too many for a moment', () => {
    assert.deepEqual(shown(3, 'd', 'b', 'c', 'e'), ['d', 'b', 'c', 'e']);
    assert.deepEqual(shown(3, 'd', 'b', 'c'), ['d', 'b', 'c']);
  });

  it('is as many as it has when it comes back with fewer', () => assert.deepEqual(shown(1, 'd'), ['d']));

  it('goes with the worker', () => {
    progress.apply(worker('w', { slots: 0, gone: true }), 0);
    assert.equal(progress.workers.size, 0);
  });
});

describe('the lines of a sweep without a terminal', () => {
  const { progress, ids } = sweepOf({ seed: 0 }, { seed: 1 });
  const [first = '', second = ''] = ids;
  const name = (id: string, seed: number) => `${id.slice(0, 8)} tiny cqa gt task_prefix seed ${seed}`;

  it('tell of a finished trial with its accuracy and time', () => {
    apply(progress, change(first, {}));
    const result = { testAccuracy: 0.6125, seconds: 12.34, environment: {} };
    const line = apply(progress, change(first, { state: 'succeeded', result }));
    assert.equal(line, `[1/2] done   ${name(first, 0)}: 61.25 % in 12.3 s`);
  });

  it('tell nothing twice', () => assert.equal(apply(progress, change(first, { state: 'succeeded' })), null));

  it('tell why a trial is tried again and why it failed, on one line', () => {
    apply(progress, change(second, {}));
    const failure = failed({}, { code: 'CHILD_KILLED', message: 'by\nSIGKILL' }).failure;
    const again = apply(progress, change(second, { state: 'queued', failure }));
    assert.equal(again, `[1/2] again  ${name(second, 1)}, after attempt 1: CHILD_KILLED: by\\nSIGKILL`);
    apply(progress, change(second, { attempt: 2 }));
    assert.match(
      apply(progress, change(second, { state: 'failed', failure })) ?? '',
      /^\[2\/2\] failed .*: CHILD_KILLED: /,
    );
  });
});
