import assert from 'node:assert/strict';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { TestPlane } from '../support/control-planes.js';
import { resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const NORMAL = { retryFailed: false };

describe('an attempt that is lent ahead', () => {
  const atItsEnd = (lease: LeaseRef) => ({
    kind: 'progress' as const,
    lease,
    progress: { step: 100, loss: 0.5, examplesPerSecond: 9, phase: 'evaluate' },
  });
  const recordOf = (home: string, number: number) => {
    const journal = openJournalReader(home);
    const record = journal?.trial(trialIdOf(number)) ?? null;
    journal?.close();
    return record;
  };

  it('waits at a worker that takes it, from when the last step of the one before it is done', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(3), NORMAL);
    const worker = test.worker({ prefetch: 1 });
    const first = (await worker.next('assign')).lease;
    worker.say({ ...atItsEnd(first), progress: { ...atItsEnd(first).progress, step: 99 } });
    worker.say({ kind: 'renew', leases: [first] });
    await worker.next('renewed');
    assert.ok(!worker.unread.some(({ kind }) => kind === 'assign'), 'a step remains');
    worker.say(atItsEnd(first));
    const second = (await worker.next('assign')).lease;
    worker.say({ kind: 'renew', leases: [first, second] });
    assert.deepEqual((await worker.next('renewed')).leases, [first, second]);
    worker.report({ kind: 'finished', lease: first, result: resultOf(0.1) });
    // Metrics say so too, and are never left out.
    worker.report({ kind: 'metrics', lease: second, training: [{ step: 100, loss: 1 }], evaluations: [] });
    const third = (await worker.next('assign')).lease;
    assert.deepEqual(
      [first, second, third].map(({ trialId }) => trialId),
      [1, 2, 3].map(trialIdOf),
    );
  });

  it('is shown to watchers when it begins, not when it is lent', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const leave = new AbortController();
    const events = test.client.watch('a', leave.signal)[Symbol.asyncIterator]();
    /** What is told of trials and the worker until it is that. */
    const toldUntil = async (last: string) => {
      const told: string[] = [];
      while (told.at(-1) !== last) {
        const { value, done } = await events.next();
        assert.ok(done !== true, 'the sweep has ended');
        if (value.kind === 'worker') {
          told.push(value.worker.running.map(({ trialId, step }) => `shows ${trialId.slice(-1)} at ${step}`).join());
        }
        if (value.kind === 'trial') told.push(`${value.trial.trialId.slice(-1)} ${value.trial.state}`);
      }
      return told;
    };
    const worker = test.worker({ prefetch: 1 });
    const first = (await worker.next('assign')).lease;
    worker.say(atItsEnd(first));
    await toldUntil('shows 1 at 100');
    const second = (await worker.next('assign')).lease;
    worker.report({ kind: 'finished', lease: first, result: resultOf(0.1) });
    assert.deepEqual(await toldUntil('2 running'), ['shows 2 at 0', '1 succeeded', '2 running']);
    const late = test.client.watch('a', leave.signal)[Symbol.asyncIterator]();
    const { value } = await late.next();
    assert.ok(value?.kind === 'trial' && value.trial.trialId === second.trialId);
    leave.abort();
  });

  it('is not told to who begins to watch while it waits', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const worker = test.worker({ prefetch: 1 });
    worker.say(atItsEnd((await worker.next('assign')).lease));
    await worker.next('assign');
    const leave = new AbortController();
    const running: string[] = [];
    for await (const event of test.client.watch('a', leave.signal)) {
      if (event.kind === 'trial') running.push(event.trial.trialId);
      if (event.kind === 'summary') leave.abort();
    }
    assert.deepEqual(running, [trialIdOf(1)]);
  });

  it('goes to another worker that becomes free, at no cost, and the first one is told', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const busy = test.worker({ workerId: 'busy', prefetch: 1 });
    const first = (await busy.next('assign')).lease;
    busy.say(atItsEnd(first));
    const waiting = (await busy.next('assign')).lease;
    const free = test.worker({ workerId: 'free', prefetch: 1 });
    const { lease } = await free.next('assign');
    assert.deepEqual([lease.trialId, lease.attempt], [trialIdOf(2), 2]);
    assert.deepEqual((await busy.next('cancel')).lease, waiting);
    assert.equal(recordOf(test.home, 2)?.failure, null);
    busy.report({ kind: 'finished', lease: waiting, result: resultOf(0.1) });
    assert.deepEqual((await busy.next('stale')).lease, waiting);
  });

  it('suffers nothing from the end of a worker where it had not begun', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const worker = test.worker({ prefetch: 1, instanceId: 'first' });
    worker.say(atItsEnd((await worker.next('assign')).lease));
    await worker.next('assign');
    await test.worker({ prefetch: 1, instanceId: 'second' }).next('assign');
    assert.equal(recordOf(test.home, 1)?.failure?.code, 'WORKER_EXITED');
    assert.equal(recordOf(test.home, 2)?.failure, null);
  });

  it('is cancelled with its sweep though it waits, and is given back by a drain', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    await test.client.submit('b', trialsOf(2, 2), NORMAL);
    const worker = test.worker({ prefetch: 1 });
    const first = (await worker.next('assign')).lease;
    worker.say(atItsEnd(first));
    const second = (await worker.next('assign')).lease;
    await test.client.cancel('b');
    assert.deepEqual((await worker.next('cancel')).lease, second);
    await test.client.submit('c', trialsOf(1, 4), NORMAL);
    const third = (await worker.next('assign')).lease;
    assert.equal(third.trialId, trialIdOf(4));
    const drained = test.plane.drain(60_000);
    await worker.next('drain');
    await worker.acknowledged(worker.report({ kind: 'drained' }));
    await drained;
    for (const number of [1, 4]) {
      assert.equal(recordOf(test.home, number)?.state, 'queued');
      assert.equal(recordOf(test.home, number)?.failure, null);
    }
  });
});
