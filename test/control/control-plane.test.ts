import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { WatchEvent } from '../../orchestrator/core/watch-event.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { TestPlane } from '../support/control-planes.js';
import { evaluationOf, failureOf, trialIdOf, trialOf, trialsOf } from '../support/trials.js';

const NORMAL = { retryFailed: false };

function lastCounts(events: readonly WatchEvent[]) {
  const last = events.at(-1);
  assert.equal(last?.kind, 'summary');
  return last.kind === 'summary' ? last.summary.counts : null;
}

describe('a control plane', () => {
  it('lends trials in their order, stores what comes back, and tells the watcher until the end', async () => {
    await using test = await TestPlane.start();
    assert.deepEqual(await test.client.submit('first', trialsOf(5), NORMAL), { done: 0, toRun: 5, failed: 0 });
    const watching = test.watched('first');
    const worker = test.worker();
    const running = worker.runAll(({ settings }) => settings.seed / 10);
    const events = await watching;
    assert.deepEqual(lastCounts(events), { queued: 0, running: 0, succeeded: 5, failed: 0, cancelled: 0 });
    const succeeded = events.flatMap((each) =>
      each.kind === 'trial' && each.trial.result !== null ? [each.trial] : [],
    );
    assert.deepEqual(
      succeeded.map(({ trialId, result }) => [trialId, result?.testAccuracy]),
      [1, 2, 3, 4, 5].map((seed) => [trialIdOf(seed), seed / 10]),
    );
    worker.close();
    // The rest of each token is chance.
    assert.deepEqual(
      (await running).map(({ token }) => token >> 31n),
      [1n, 2n, 3n, 4n, 5n],
    );
    const journal = openJournalReader(test.home);
    assert.deepEqual(
      [...(journal?.trials('first') ?? [])].map(({ trial }) => trial),
      trialsOf(5),
    );
    journal?.close();
  });

  it('gives work to several workers at once, as many attempts as each takes', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(3), NORMAL);
    const one = test.worker({ workerId: 'one', slots: 2 });
    const first = [(await one.next('assign')).trial.trialId, (await one.next('assign')).trial.trialId];
    const two = test.worker({ workerId: 'two' });
    assert.deepEqual([...first, (await two.next('assign')).trial.trialId], [1, 2, 3].map(trialIdOf));
  });

  it('lends each trial with a folder of its own in the state folder, whoever submitted another', async () => {
    await using test = await TestPlane.start();
    const [trial = trialOf(1)] = trialsOf(1);
    const run = { ...trial.run, directory: '/elsewhere', keep: 'best' } as const;
    await test.client.submit('a', [{ ...trial, run }], NORMAL);
    const assign = await test.worker().next('assign');
    assert.deepEqual(assign.trial.run, { ...run, directory: join(test.home, 'trials', trialIdOf(1)) });
  });

  it('tells a worker how long leases last', async () => {
    await using test = await TestPlane.start({ leaseMs: 5_000, renewEveryMs: 1_000 });
    const { leaseMs, renewEveryMs } = await test.worker().next('welcome');
    assert.deepEqual([leaseMs, renewEveryMs], [5_000, 1_000]);
  });

  it('runs nothing of a sweep that is done', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const worker = test.worker();
    void worker.runAll();
    await test.watched('a');
    assert.deepEqual(await test.client.submit('a', trialsOf(2), NORMAL), { done: 2, toRun: 0, failed: 0 });
    assert.deepEqual(await test.client.submit('b', trialsOf(3), NORMAL), { done: 2, toRun: 1, failed: 0 });
    assert.deepEqual(lastCounts(await test.watched('b'))?.succeeded, 3);
  });

  it('takes a sweep of more trials than a call may have', async () => {
    await using test = await TestPlane.start();
    assert.equal((await test.client.submit('large', trialsOf(4_500), NORMAL)).toRun, 4_500);
    const [summary] = await test.client.list();
    assert.equal(summary?.total, 4_500);
    assert.equal((await test.client.submit('empty', [], NORMAL)).toRun, 0);
    assert.deepEqual((await test.watched('empty')).length, 1);
  });

  it('runs two sweeps at once, and a trial of both for both', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', [trialOf(1), trialOf(2)], NORMAL);
    await test.client.submit('b', [trialOf(2), trialOf(3)], NORMAL);
    const watching = [test.watched('a'), test.watched('b')];
    const worker = test.worker();
    const running = worker.runAll();
    for (const events of await Promise.all(watching)) assert.equal(lastCounts(events)?.succeeded, 2);
    worker.close();
    assert.equal((await running).length, 3);
  });

  it('leaves alone what only an earlier run wanted', async () => {
    await using first = await TestPlane.start();
    await first.client.submit('old', trialsOf(2), NORMAL);
    await first.plane.stop();
    await using second = await TestPlane.start({ home: first.home });
    await second.client.submit('new', trialsOf(1, 9), NORMAL);
    const watching = second.watched('new');
    const worker = second.worker();
    const running = worker.runAll();
    await watching;
    worker.close();
    assert.deepEqual(
      (await running).map(({ trialId }) => trialId),
      [trialIdOf(9)],
    );
    assert.equal(lastCounts(await second.watched('old'))?.queued, 2);
  });

  it('stores what an attempt measures, and shows its progress', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const watching = test.watched('a');
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    const progress = { step: 7, loss: Number.NaN, examplesPerSecond: 12.5, phase: 'train' };
    worker.say({ kind: 'progress', lease, progress });
    const training = [{ step: 10, loss: 0.25 }];
    worker.report({ kind: 'metrics', lease, training, evaluations: [evaluationOf(10)] });
    void worker.runAll();
    worker.report({ kind: 'failed', lease, failure: failureOf('user', 'NON_FINITE_LOSS') });
    const events = await watching;
    assert.equal(lastCounts(events)?.failed, 1);
    const isHeard = (each: WatchEvent) => each.kind === 'worker' && each.worker.running.some(({ step }) => step > 0);
    const worker1 = { workerId: 'scripted-1', slots: 1, gone: false };
    assert.deepEqual(
      events.filter(isHeard).map((each) => each.kind === 'worker' && each.worker),
      [{ ...worker1, running: [{ trialId: trialIdOf(1), maxSteps: 100, ...progress }] }],
    );
    const failed = events.find((each) => each.kind === 'trial' && each.trial.state === 'failed');
    assert.equal(failed?.kind === 'trial' && failed.trial.failure?.code, 'NON_FINITE_LOSS');
    const journal = openJournalReader(test.home);
    assert.deepEqual(journal?.measurements(trialIdOf(1)), { training, evaluations: [evaluationOf(10)] });
    journal?.close();
  });

  it('keeps the log of a trial for those who ask', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    const lines = (text: string) => [{ unixMs: 0, stream: 'stdout' as const, text }];
    await worker.acknowledged(worker.report({ kind: 'log', lease, lines: lines('one'), dropped: 0 }));
    const leave = new AbortController();
    const followed: string[] = [];
    const following = (async () => {
      for await (const line of test.client.logs(trialIdOf(1), { follow: true }, leave.signal)) {
        if (followed.push(line) === 1) worker.report({ kind: 'log', lease, lines: lines('two'), dropped: 0 });
        else worker.report({ kind: 'failed', lease, failure: failureOf('user') });
      }
    })();
    await following;
    assert.deepEqual(followed, [
      '1970-01-01T00:00:00.000Z attempt=1 stdout | one',
      '1970-01-01T00:00:00.000Z attempt=1 stdout | two',
    ]);
  });

  it('cancels a sweep: what waits is not run, what runs is stopped, and its watchers are told', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(3), NORMAL);
    await test.client.submit('b', trialsOf(1, 3), NORMAL);
    const watching = test.watched('a');
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    assert.equal(await test.client.cancel('a'), 2);
    const cancelled = await worker.next('cancel');
    assert.deepEqual(cancelled.lease, lease);
    assert.equal(lastCounts(await watching)?.cancelled, 2);
    assert.equal((await worker.next('assign')).trial.trialId, trialIdOf(3));
    assert.equal((await test.client.submit('a', trialsOf(3), NORMAL)).toRun, 3);
  });

  it('answers for what it does not know with a code', async () => {
    await using test = await TestPlane.start();
    const never = new AbortController().signal;
    await assert.rejects(test.watched('nothing'), { code: 'SWEEP_UNKNOWN', message: 'there is no sweep "nothing"' });
    await assert.rejects(test.client.cancel('nothing'), { code: 'SWEEP_UNKNOWN' });
    const logs = test.client.logs(trialIdOf(1), { follow: false }, never)[Symbol.asyncIterator]();
    await assert.rejects(logs.next(), { code: 'TRIAL_UNKNOWN' });
    await assert.rejects(test.client.submit('a', [trialOf(1), trialOf(1)], NORMAL), { code: 'USAGE' });
  });

  it('lets a watcher leave', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const leave = new AbortController();
    let seen = 0;
    for await (const event of test.client.watch('a', leave.signal)) {
      assert.equal(event.kind, 'summary');
      seen += 1;
      leave.abort();
    }
    assert.equal(seen, 1);
  });

  it('that has ended is told apart from one that refuses', async () => {
    await using test = await TestPlane.start();
    await test.client.list();
    await test.plane.stop();
    await test.plane.stop(); // again is nothing new
    await assert.rejects(test.client.list(), { code: 'UNAVAILABLE', exitStatus: 75 });
  });
});
