import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { findPython, pythonPath } from '../../../orchestrator/cli/python.js';
import type { JsonValue } from '../../../orchestrator/core/sweep/place.js';
import { raySettingsOf } from '../../../orchestrator/core/sweep/places/ray-settings.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { readWorkerCode } from '../../../orchestrator/launchers/ray/worker-code.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { temporaryFolder } from '../../support/dss.js';
import { until } from '../../support/until.js';
import { makeNodeCertificate, type NodeCertificate } from '../support/node-certificate.js';
import { ALLOWED } from '../support/ray-environment.js';
import { RayHead, TOKEN } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';

describe('a Ray cluster that is spoken to by TLS', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stranger: ReturnType<typeof temporaryFolder>;
  let node: NodeCertificate;
  let head: RayHead;
  let plane: TestPlane;

  before(async () => {
    process.env['RAY_AUTH_TOKEN'] = TOKEN;
    folder = temporaryFolder();
    stranger = temporaryFolder();
    node = await makeNodeCertificate(folder.path);
    head = await RayHead.start({ tls: node });
    plane = await TestPlane.start();
  });

  after(async () => {
    await plane?.[Symbol.asyncDispose]();
    await head?.stop();
    folder[Symbol.dispose]();
    stranger[Symbol.dispose]();
  });

  const connect = (address: string, ray: { readonly [key: string]: JsonValue }) =>
    connectCluster(raySettingsOf({ address, ray: { ...ALLOWED, ...ray } }), silent);

  /** A worker that joins shows that all of the adapter goes through. */
  const startsWorker = async (cluster: Awaited<ReturnType<typeof connect>>) => {
    const { address, joinToken } = plane.plane;
    const workerId = `ray-tls-${cluster.adapter}-1-1`;
    await cluster.start({
      workerId,
      members: [workerId],
      args: ['--server', address, '--threads', '1'],
      env: { DSS_JOIN_TOKEN: joinToken, DSS_PYTHON: findPython() },
      python: null,
      ask: { cpus: 0.5, gpus: 0, memoryBytes: 0, custom: {} },
      code: readWorkerCode(pythonPath()),
    });
    await until(() => workersOf(head).has(workerId));
    await until(async () => (await cluster.list(workerId))[0]?.state === 'running');
    await cluster.stop(workerId);
    await until(() => workersOf(head).size === 0);
    await cluster.close();
  };

  it('by the client port shows its certificate, and is shown ours', async () => {
    const { certificate, key } = node;
    const address = `ray://${head.client}`;
    const other = await makeNodeCertificate(stranger.path);
    await assert.rejects(connect(address, { adapter: 'client' }), { kind: 'unreachable' });
    await assert.rejects(connect(address, { adapter: 'client', ca: other.certificate }), { kind: 'unreachable' });
    await startsWorker(await connect(address, { adapter: 'client', ca: certificate, certificate, key }));
  });

  it('by a proxy before its dashboard shows the certificate of that', async () => {
    const forward = (asked: IncomingMessage, answer: ServerResponse) => {
      const { method, url, headers } = asked;
      const sent = request(new URL(url ?? '', head.dashboard), { method, headers }, (heard) => {
        answer.writeHead(heard.statusCode ?? 502, heard.headers);
        heard.pipe(answer);
      });
      asked.pipe(sent);
    };
    const secrets = { cert: readFileSync(node.certificate), key: readFileSync(node.key) };
    const proxy = createServer(secrets, forward);
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const address = `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      await assert.rejects(connect(address, { adapter: 'jobs' }), { kind: 'unreachable', message: /self.signed/ });
      await startsWorker(await connect(address, { adapter: 'jobs', ca: node.certificate }));
    } finally {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});
