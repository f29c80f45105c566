import assert from 'node:assert/strict';
import { TestPlane } from '../support/control-planes.js';
import type { ScriptedWorker } from '../support/scripted-worker.js';
import { resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const NORMAL = { retryFailed: false };

describe('a worker that takes so many trials and ends', () => {
  const hasNoMore = async (worker: ScriptedWorker) => {
    worker.say({ kind: 'renew', leases: [] });
    await worker.next('renewed');
    assert.ok(!worker.unread.some(({ kind }) => kind === 'assign'));
  };

  it('is lent so many, though more wait and it could hold one ready', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(4), NORMAL);
    const worker = test.worker({ prefetch: 1, trials: 2 });
    for (const number of [1, 2]) {
      const { lease } = await worker.next('assign');
      assert.equal(lease.trialId, trialIdOf(number));
      worker.report({ kind: 'finished', lease, result: resultOf(0.1) });
    }
    await hasNoMore(worker);
    const other = test.worker({ workerId: 'other' });
    assert.equal((await other.next('assign')).lease.trialId, trialIdOf(3));
  });

  it('is lent nothing when it comes back and has had all', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const worker = test.worker({ trials: 1 });
    const { lease } = await worker.next('assign');
    worker.cut();
    const again = test.worker({ trials: 0, running: [lease] });
    again.report({ kind: 'finished', lease, result: resultOf(0.1) });
    await hasNoMore(again);
  });

  it('is lent what never arrived there once more', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const worker = test.worker({ trials: 1 });
    await worker.next('assign');
    worker.cut();
    assert.equal((await test.worker({ trials: 1 }).next('assign')).lease.trialId, trialIdOf(1));
  });
});
