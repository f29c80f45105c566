/** Peers that stop reading cost the control plane a bounded queue, and then their stream. */
import assert from 'node:assert/strict';
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS } from '../../orchestrator/control/channel-options.js';
import { bearer } from '../../orchestrator/control/tokens.js';
import { encodeFromWorker } from '../../orchestrator/wire/codec.js';
import { ClientServiceClient, type WatchEvent } from '../../orchestrator/wire/generated/dss/v1/client.js';
import {
  type ControlMessage,
  type WorkerMessage,
  WorkerServiceClient,
} from '../../orchestrator/wire/generated/dss/v1/worker.js';
import { TestPlane } from '../support/control-planes.js';
import { helloOf } from '../support/scripted-worker.js';
import { trialsOf } from '../support/trials.js';

const MUCH = 20_000;
const FLAT_BYTES = 96 * 2 ** 20;

describe('a control plane with somebody who does not read', () => {
  it('tells a watcher the newest of what it missed, and forgets the rest', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    const client = new ClientServiceClient(test.plane.address, credentials.createInsecure(), CHANNEL_OPTIONS);
    const watching = client.watch({ sweep: 'a' }, bearer(test.plane.clientToken));
    const steps: number[] = [];
    const caughtUp = new Promise<void>((resolve) => {
      watching.on('data', ({ event }: WatchEvent) => {
        if (event?.$case !== 'worker') return;
        const [step = 0] = event.value.running.map((each) => each.step ?? 0);
        steps.push(step);
        if (step === MUCH) resolve();
      });
    });
    watching.on('error', () => {});
    watching.pause();
    const before = process.memoryUsage().rss;
    for (let step = 1; step <= MUCH; step += 1) {
      worker.say({ kind: 'progress', lease, progress: { step, loss: 1, examplesPerSecond: 1, phase: 'train' } });
    }
    worker.say({ kind: 'renew', leases: [lease] });
    await worker.next('renewed'); // all of it has arrived
    assert.ok(process.memoryUsage().rss - before < FLAT_BYTES, 'what is not read piles up');
    watching.resume();
    await caughtUp;
    assert.ok(steps.length < MUCH / 2, `${steps.length} of ${MUCH} were kept`);
    assert.equal(steps.at(-1), MUCH);
    watching.cancel();
    client.close();
  });

  it('cuts off a worker that asks and does not listen, and serves the next', async () => {
    await using test = await TestPlane.start();
    const client = new WorkerServiceClient(test.plane.address, credentials.createInsecure(), CHANNEL_OPTIONS);
    const stream: ClientDuplexStream<WorkerMessage, ControlMessage> = client.connect(bearer(test.plane.joinToken));
    const ended = new Promise<string>((resolve) => stream.on('error', (error) => resolve(error.message)));
    stream.pause();
    stream.write(encodeFromWorker({ kind: 'hello', hello: helloOf({ workerId: 'deaf' }) }));
    const before = process.memoryUsage().rss;
    const lease = { trialId: '0'.repeat(20), attempt: 1, token: 1n };
    let isOver = false;
    stream.on('close', () => {
      isOver = true;
    });
    void ended.then(() => {
      isOver = true;
    });
    for (let said = 0; said < 50 * MUCH && !isOver; said += 1) {
      const hasRoom = stream.write(encodeFromWorker({ kind: 'renew', leases: [lease] }));
      if (!hasRoom) await new Promise(setImmediate);
    }
    stream.resume();
    assert.match(await ended, /does not read|stale/);
    assert.ok(process.memoryUsage().rss - before < FLAT_BYTES, 'what is not read piles up');
    await test.worker({ workerId: 'good' }).next('welcome');
    client.close();
  });
});
