import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { authPaths } from '../../../orchestrator/auth/auth-folder.js';
import { findPython, pythonPath } from '../../../orchestrator/cli/python.js';
import type { JsonValue } from '../../../orchestrator/core/sweep/place.js';
import { raySettingsOf } from '../../../orchestrator/core/sweep/places/ray-settings.js';
import type { ProbeOrder, RayCluster } from '../../../orchestrator/launchers/ray/cluster.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { probeAnswerOf } from '../../../orchestrator/launchers/ray/probe-answer.js';
import { readWorkerCode } from '../../../orchestrator/launchers/ray/worker-code.js';
import { certify } from '../../support/certificates.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { temporaryFolder } from '../../support/dss.js';
import { until } from '../../support/until.js';
import { makeNodeCertificate, type NodeCertificate } from '../support/node-certificate.js';
import { ALLOWED } from '../support/ray-environment.js';
import { RayHead, TOKEN } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { orderOf } from './order.js';

describe('where all is said by TLS, and the worker is sent or is installed there', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stranger: ReturnType<typeof temporaryFolder>;
  let node: NodeCertificate;
  let head: RayHead;
  let plane: TestPlane;
  /** By which the control plane is reached with TLS, and whom its certificate is of. */
  let server: string;
  let ca: string;

  before(async () => {
    process.env['RAY_AUTH_TOKEN'] = TOKEN;
    folder = temporaryFolder();
    stranger = temporaryFolder();
    node = await makeNodeCertificate(folder.path);
    head = await RayHead.start({ tls: node, packages: pythonPath() });
    await certify(folder.path);
    plane = await TestPlane.start({ home: folder.path, alwaysTls: true });
    server = plane.plane.publicAddress ?? '';
    ca = readFileSync(authPaths(folder.path).ca.certificate, 'utf8');
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
  const startsWorkers = async (cluster: RayCluster) => {
    const code = readWorkerCode(pythonPath());
    const probe = { probeId: 'dss-probe-tls', server, trainingPython: findPython(), code };
    const reachOf = async (order: ProbeOrder) => probeAnswerOf(await cluster.probe(order), cluster.address).reach;
    assert.equal(await reachOf({ ...probe, ca }), '');
    const others = readFileSync(node.certificate, 'utf8');
    assert.match(await reachOf({ ...probe, probeId: 'dss-probe-others', ca: others }), /^certificate: /);
    for (const [index, sent] of [code, null].entries()) {
      const workerId = `ray-tls-${cluster.adapter}-1-${index + 1}`;
      const order = orderOf(plane, workerId, { args: ['--server', server, '--threads', '1'], code: sent });
      await cluster.start({ ...order, env: { ...order.env, DSS_TLS_CA_PEM: ca } });
      await until(async () => (await plane.client.info()).workers.some((each) => each.workerId === workerId));
      await until(async () => (await cluster.list(workerId))[0]?.state === 'running');
      await cluster.stop(workerId);
      await until(() => workersOf(head).size === 0);
    }
    await cluster.close();
  };

  it('by the client port shows its certificate, and is shown ours', async () => {
    const { certificate, key } = node;
    const address = `ray://${head.client.replace('127.0.0.1', 'localhost')}`;
    const other = await makeNodeCertificate(stranger.path);
    await assert.rejects(connect(address, { adapter: 'client' }), { kind: 'unreachable' });
    await assert.rejects(connect(address, { adapter: 'client', ca: other.certificate }), { kind: 'unreachable' });
    await startsWorkers(await connect(address, { adapter: 'client', ca: certificate, certificate, key }));
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
      await startsWorkers(await connect(address, { adapter: 'jobs', ca: node.certificate }));
    } finally {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});
