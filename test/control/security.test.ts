import assert from 'node:assert/strict';
import { connectClient } from '../../orchestrator/control/client.js';
import { startControlPlane } from '../../orchestrator/control/control-plane.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { silent, TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { ScriptedWorker } from '../support/scripted-worker.js';
import { trialsOf } from '../support/trials.js';

describe('the port of a control plane', () => {
  it('is on this machine only', async () => {
    await using test = await TestPlane.start();
    assert.match(test.plane.address, /^127\.0\.0\.1:\d+$/);
  });

  for (const listenOn of ['0.0.0.0:0', '[::]:0', '192.168.0.1:0', 'example.org:80', ':0']) {
    it(`is refused at ${listenOn}, and the state folder is free again`, async () => {
      using folder = temporaryFolder();
      const start = (at: string) =>
        startControlPlane({ home: folder.path, logger: silent, openJournal, workers: 0, listenOn: at });
      await assert.rejects(start(listenOn), { code: 'LISTEN_REFUSED' });
      await (await start('127.0.0.1:0')).stop();
    });
  }

  it('answers nobody without the right token, and takes neither token for the other', async () => {
    await using test = await TestPlane.start();
    const { address, joinToken, clientToken } = test.plane;
    for (const token of ['', 'guess', joinToken]) {
      const client = connectClient({ address, token });
      const never = new AbortController().signal;
      await assert.rejects(client.list(), /token is missing or wrong/);
      await assert.rejects(client.watch('a', never)[Symbol.asyncIterator]().next(), /token is missing or wrong/);
      client.close();
    }
    for (const token of ['guess', clientToken]) {
      const worker = new ScriptedWorker({ address, joinToken: token });
      assert.match(await worker.ended, /token is missing or wrong/);
      worker.close();
    }
  });

  it('refuses a worker of another engine version with the reason', async () => {
    await using test = await TestPlane.start();
    const worker = test.worker({ engineVersion: 999 });
    const refused = await worker.next('refused');
    assert.equal(refused.code, 'ENGINE_VERSION');
    assert.match(refused.message, /999/);
    assert.equal(await worker.ended, 'ended');
  });

  it('drops a worker that talks nonsense, and no other', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    const good = test.worker({ workerId: 'good' });
    const { lease } = await good.next('assign');
    const twice = test.worker({ workerId: 'bad' });
    twice.sayRaw({ message: undefined });
    assert.match(await twice.ended, /says nothing/);
    const early = test.worker({});
    early.say({ kind: 'renew', leases: [] });
    assert.match(await early.ended, /renew came before hello/);
    good.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await good.next('renewed')).leases, [lease]);
  });

  it('does not take a message larger than it may be', async () => {
    await using test = await TestPlane.start();
    const { address, joinToken } = test.plane;
    const worker = new ScriptedWorker({ address, joinToken, channel: { 'grpc.max_send_message_length': -1 } });
    await worker.next('welcome');
    const lease = { trialId: '0'.repeat(20), attempt: 1, token: 1n };
    worker.report({ kind: 'checkpoint', lease, step: 1, path: 'x'.repeat(9 * 1024 * 1024) });
    assert.match(await worker.ended, /larger than max/);
    worker.close();
    assert.deepEqual(await test.client.list(), []);
  });
});
