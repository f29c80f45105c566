/**
 * k8s/ on a real kubelet: the control plane and its workers as containers, of images that the Dockerfiles of k8s/ make of
 * our own files. Needs what real-node.test.ts needs.
 */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { skip } from '../support/skip.js';
import { writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';
import { beginSweep, endsWell, lossOf } from './begun-sweep.js';
import { controlPlaneImage, workerImage } from './built-images.js';
import { nodePrograms } from './cluster/real-node/packages.js';
import type { RealNode } from './cluster/real-node/real-node.js';
import { type FindEndpoint, ServiceAddress } from './cluster/real-node/service-address.js';
import { Deployment, onNode } from './deployment.js';
import { type GivenCluster, givenCluster } from './given-cluster.js';
import { MachinePython } from './machine-python.js';
import { whyNoNetwork } from './own-network.js';
import { runsTwelveTrialsAsHere } from './twelve-trials.js';

const NODE = 'node-of-containers';
const NAMESPACE = 'dss';
const IMAGES = { controlPlane: 'dss.test/control-plane:1', worker: 'dss.test/worker:1' } as const;
/** Of the API server, in the range that the test cluster gives to Services: the first. */
const API_ADDRESS = '10.96.0.1';
/** Where a worker may write, and where it may not. */
const OPEN = ['/tmp/x', '/var/cache/dss/x', '/dev/shm/x'] as const;
const SHUT = ['/opt/dss/x', '/opt/venv/x', '/run/dss/join/x'] as const;

describe('a deployment of k8s/ whose pods are containers of a real kubelet', () => {
  let cluster: GivenCluster;
  let node: RealNode;
  let deployment: Deployment;
  let python: MachinePython;
  let serviceAddress = '';
  const services: ServiceAddress[] = [];

  before(async function () {
    const why = whyNoNetwork();
    if (why !== null) skip(this, why);
    const programs = nodePrograms();
    if (typeof programs === 'string') skip(this, programs);
    cluster = await givenCluster(this);
    python = new MachinePython();
    node = await cluster.parts.addRealNode(NODE, programs);
    node.addImage(IMAGES.controlPlane, controlPlaneImage);
    node.addImage(IMAGES.worker, (root) => workerImage(root, python));
    const { hostname, port } = new URL(cluster.config.getCurrentCluster()?.server ?? '');
    services.push(
      await ServiceAddress.open(API_ADDRESS, { 443: async () => ({ host: hostname, port: Number(port) }) }),
    );
    deployment = await Deployment.start(this, { node: NODE, images: IMAGES });
    for (const each of python.objects(NAMESPACE, onNode(NODE))) {
      await cluster.kubectl(['create', '-f', '-'], JSON.stringify(each));
    }
    const service = await cluster.core.readNamespacedService({ namespace: NAMESPACE, name: 'dss' });
    serviceAddress = service.spec?.clusterIP ?? '';
    services.push(await ServiceAddress.open(serviceAddress, { 7333: planeAt(7333), 7334: planeAt(7334) }));
  });

  after(async () => {
    await deployment?.remove();
    for (const name of python?.volumeNames ?? []) {
      await cluster.kubectl(['delete', 'persistentvolume', name, '--ignore-not-found']);
    }
    for (const service of services) await service.close();
    await node?.stop();
    await cluster?.parts.removeNode(NODE);
  });

  const planeAt =
    (port: number): FindEndpoint =>
    async () => {
      const { status } = await cluster.core.readNamespacedPod({ namespace: NAMESPACE, name: 'dss-0' });
      return status?.podIP === undefined ? null : { host: status.podIP, port };
    };

  it('is ready by its probe, runs as nobody in particular and writes to its volumes alone', async () => {
    const { spec, status } = await deployment.plane();
    const [container] = status?.containerStatuses ?? [];
    assert.deepEqual([spec?.nodeName, container?.started, container?.restartCount], [NODE, true, 0]);
    assert.equal((await deployment.inPlane('id', '-u')).trim(), '10001');
    await deployment.inPlane('touch', '/var/lib/dss/x', '/tmp/x');
    await assert.rejects(deployment.inPlane('touch', '/opt/dss/x'), /Read-only file system/);
  });

  /** What a pool needs here and would not need where there are a registry and a DNS. */
  const pool = () => ({
    ...python.pool,
    podTemplate: {
      spec: {
        hostAliases: [{ ip: serviceAddress, hostnames: ['dss.dss.svc'] }],
        // Of a core each, as their limit is, there may be too few for two of them and the control plane.
        containers: [{ name: 'worker', resources: { requests: { cpu: '250m' } } }],
      },
    },
  });

  it('runs a sweep that is submitted from outside in two pools, to the results that it has on this machine', () =>
    runsTwelveTrialsAsHere(deployment, pool()));

  it('has workers that are nobody in particular and write to their volumes alone, and that lose nothing when they are evicted', async () => {
    const model = deployment.copied('sweeps', 'models', 'dispatch-t5');
    const running = await beginSweep(deployment, { seed: 20, model, maxSteps: 2_000, pool: pool() });
    const name = running.worker;
    // At once, since the trial goes on meanwhile.
    const script = `id -u; touch ${OPEN.join(' ')}; for each in ${SHUT.join(' ')}; do touch $each 2>&1; done; true`;
    const told = await cluster.kubectl(['exec', '-n', NAMESPACE, name, '--', 'sh', '-c', script]);
    const refused = SHUT.map((path) => new RegExp(`${path}.*Read-only file system`));
    const lines = told.trim().split('\n');
    assert.deepEqual([lines[0], lines.length], ['10001', 1 + SHUT.length], told);
    for (const [index, expected] of refused.entries()) assert.match(lines[1 + index] ?? '', expected);
    await cluster.core.createNamespacedPodEviction({ namespace: NAMESPACE, name, body: { metadata: { name } } });
    await endsWell(running, deployment);
    assert.equal(lossOf(name, deployment), null, 'its worker wrote a checkpoint and gave it back');
  });

  it('says of workers that have too little memory to begin that they have', async () => {
    const model = deployment.copied('sweeps', 'models', 'dispatch-t5');
    const file = writeTinySweep(deployment.folder, { name: 'large', methods: ['standard'], seeds: [30], model });
    const { podTemplate, ...rest } = pool();
    const limited = { name: 'worker', resources: { requests: { cpu: '250m' }, limits: { memory: '200Mi' } } };
    const spec = { ...podTemplate.spec, containers: [limited] };
    const small = { name: 'small', max: 1, idleMinutes: 0, resources: { cpu: 1 }, ...rest, podTemplate: { spec } };
    appendFileSync(file, `run: ${JSON.stringify({ on: 'kubernetes', pools: [small] })}\n`);
    const sweep = deployment.start('sweep', file);
    await until(async () =>
      /WORKERS_FAILED.*more memory than its limit/s.test(await deployment.dss('status', '--json')),
    );
    await deployment.dss('cancel', 'large');
    assert.equal((await sweep.finished).code, 1);
    await until(async () => (await deployment.left()).length === 0);
  });

  it('comes back on its volume with all that it had', async () => {
    const sweeps = async () => (JSON.parse(await deployment.dss('status', '--json')) as { sweeps: unknown }).sweeps;
    const had = await sweeps();
    const before = await deployment.plane();
    await cluster.kubectl(['delete', 'pod', '-n', NAMESPACE, 'dss-0']);
    await until(async () => (await deployment.plane()).metadata?.uid !== before.metadata?.uid);
    assert.deepEqual(await sweeps(), had);
  });
});
