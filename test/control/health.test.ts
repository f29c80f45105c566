import assert from 'node:assert/strict';
import { credentials, status } from '@grpc/grpc-js';
import {
  type HealthCheckResponse,
  HealthClient,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../orchestrator/wire/generated/grpc/health/v1/health.js';
import { TestPlane } from '../support/control-planes.js';
import { resultOf, trialsOf } from '../support/trials.js';

function check(client: HealthClient, service: string): Promise<Serving | undefined> {
  return new Promise((resolve, reject) => {
    client.check({ service }, (error, answer) => (error === null ? resolve(answer.status) : reject(error)));
  });
}

function connect(plane: TestPlane): HealthClient {
  return new HealthClient(plane.plane.address, credentials.createInsecure());
}

describe('the health service', () => {
  it('says SERVING without a token, of the server and of its services', async () => {
    await using plane = await TestPlane.start();
    const client = connect(plane);
    for (const service of ['', 'dss.v1.ClientService', 'dss.v1.WorkerService']) {
      assert.equal(await check(client, service), Serving.SERVING, service);
    }
    client.close();
  });

  it('says NOT_FOUND of a service that is not there', async () => {
    await using plane = await TestPlane.start();
    const client = connect(plane);
    await assert.rejects(check(client, 'dss.v1.Other'), { code: status.NOT_FOUND });
    client.close();
  });

  it('says NOT_SERVING while the control plane drains: it lends nothing', async () => {
    await using plane = await TestPlane.start();
    await plane.client.submit('s', trialsOf(1), { retryFailed: false });
    const worker = plane.worker();
    const { lease } = await worker.next('assign');
    const client = connect(plane);
    const drained = plane.plane.drain(60_000);
    assert.equal(await check(client, ''), Serving.NOT_SERVING);
    worker.report({ kind: 'finished', lease, result: resultOf(1) });
    await drained;
    client.close();
  });

  it('tells a watcher of each change, the last one too', async () => {
    const plane = await TestPlane.start();
    const client = connect(plane);
    const heard: (Serving | undefined)[] = [];
    const call = client.watch({ service: '' });
    const first = new Promise<void>((resolve) => {
      call.on('data', (answer: HealthCheckResponse) => {
        heard.push(answer.status);
        resolve();
      });
    });
    const ended = new Promise<void>((resolve) => {
      call.on('end', resolve);
      call.on('error', () => resolve());
    });
    await first;
    await plane[Symbol.asyncDispose]();
    await ended;
    assert.deepEqual(heard, [Serving.SERVING, Serving.NOT_SERVING]);
    client.close();
  });

  it('lets at most 64 watch, since nobody has to say who they are', async () => {
    await using plane = await TestPlane.start();
    const client = connect(plane);
    const codes = await Promise.all(
      Array.from({ length: 70 }, () => {
        const call = client.watch({ service: '' });
        return new Promise<number>((resolve) => {
          call.on('data', () => resolve(status.OK));
          call.on('error', ({ code }: { code?: number }) => resolve(code ?? -1));
        });
      }),
    );
    assert.equal(codes.filter((code) => code === status.OK).length, 64);
    assert.equal(codes.filter((code) => code === status.RESOURCE_EXHAUSTED).length, 6);
    client.close();
  });
});
