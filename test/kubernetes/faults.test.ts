/**
 * Real trials in pods of a real cluster, in whose middle something is taken away. However that is, each trial is done
 * once, from its last checkpoint, and nothing of the sweep is left in the cluster.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyOf } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';
import { type BegunSweep, beginSweep, endsWell, lossOf } from './begun-sweep.js';
import { firstProcessOf } from './cluster/pod-process.js';
import { Deployment } from './deployment.js';

/** How long an API server is away: the fault itself, and not a wait for something. */
const AWAY_MS = 30_000;

describe('a sweep on Kubernetes goes on', () => {
  let deployment: Deployment;
  let model: string;
  /** Of trials that are unlike those before. */
  let seed = 0;

  before(async function () {
    deployment = await Deployment.start(this);
    model = deployment.copied('sweeps', 'models', 'dispatch-t5');
  });

  after(() => deployment?.remove());

  const begin = (pool: Readonly<Record<string, unknown>> = {}): Promise<BegunSweep> => {
    seed += 2;
    return beginSweep(deployment, { seed, model, pool });
  };

  const ends = async (running: BegunSweep): Promise<void> => {
    await endsWell(running, deployment);
    const succeeded = [...historyOf(deployment.home).values()].map((counts) => counts.succeeded);
    assert.deepEqual(
      succeeded,
      Array.from({ length: seed }, () => 1),
    );
  };

  const podNamed = async (name: string) => {
    const pod = (await deployment.workers()).find(({ metadata }) => metadata?.name === name);
    return pod?.metadata ?? assert.fail(`there is no pod ${name}`);
  };

  it('when a pod is evicted', async () => {
    const running = await begin();
    const name = running.worker;
    await deployment.cluster.core.createNamespacedPodEviction({ namespace: 'dss', name, body: { metadata: { name } } });
    await ends(running);
    assert.equal(lossOf(name, deployment), null, 'its worker wrote a checkpoint and gave it back');
  });

  it('when a worker is killed', async () => {
    const running = await begin();
    const { uid } = await podNamed(running.worker);
    process.kill(firstProcessOf(uid ?? ''), 'SIGKILL');
    await ends(running);
    assert.equal(lossOf(running.worker, deployment), 'lost');
  });

  it('when somebody deletes its Job', async () => {
    const running = await begin();
    await deployment.cluster.kubectl(['delete', 'jobs', '-n', 'dss', '--all', '--wait=false']);
    await ends(running);
  });

  it('when its control plane is deleted, and the next one is scheduled', async () => {
    const running = await begin();
    const { uid } = (await deployment.plane()).metadata ?? {};
    await deployment.cluster.kubectl(['delete', 'pod', '-n', 'dss', 'dss-0', '--wait=false']);
    await ends(running);
    assert.notEqual((await deployment.plane()).metadata?.uid, uid);
  });

  it('when its control plane is killed', async () => {
    const running = await begin();
    const plane = await deployment.plane();
    process.kill(firstProcessOf(plane.metadata?.uid ?? ''), 'SIGKILL');
    await ends(running);
    assert.equal((await deployment.plane()).status?.containerStatuses?.[0]?.restartCount, 1);
  });

  it('when the API server is killed, and is back after 30 s', async () => {
    const running = await begin();
    const { parts } = deployment.cluster;
    await parts.killApiServer();
    await sleep(AWAY_MS);
    await parts.startApiServer();
    await ends(running);
  });

  it('when a pod of a higher priority takes the place of its worker', async () => {
    const { kubectl, parts } = deployment.cluster;
    await parts.addNode('node-seat', { ...deployment.node, capacity: { 'dss.internal/seat': '1' } });
    await kubectl(['create', 'priorityclass', 'urgent', '--value=1000']);
    try {
      const running = await begin({ max: 1, resources: { cpu: 1, 'dss.internal/seat': 1 } });
      const resources = { limits: { 'dss.internal/seat': '1' }, requests: { 'dss.internal/seat': '1' } };
      const container = { name: 'main', image: 'any', command: ['/bin/sh', '-c', 'exit 0'], resources };
      const spec = { priorityClassName: 'urgent', restartPolicy: 'Never', containers: [container] };
      const urgent = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'urgent', namespace: 'default' }, spec };
      await kubectl(['create', '-f', '-'], JSON.stringify(urgent));
      await ends(running);
      assert.equal(lossOf(running.worker, deployment), null);
      const { status } = await deployment.cluster.core.readNamespacedPod({ name: 'urgent', namespace: 'default' });
      assert.equal(status?.phase, 'Succeeded');
    } finally {
      await kubectl(['delete', 'pod', 'urgent', '--ignore-not-found']);
      await kubectl(['delete', 'priorityclass', 'urgent']);
      await parts.removeNode('node-seat');
    }
  });

  it('when a node is lost without a word', async () => {
    const { parts } = deployment.cluster;
    const options = { ...deployment.node, labels: { 'dss.internal/doomed': 'yes' } };
    await parts.addNode('node-doomed', options);
    try {
      const running = await begin({ nodeSelector: { 'dss.internal/doomed': 'yes' } });
      await parts.node('node-doomed').stop('SIGKILL');
      await parts.addNode('node-heir', options);
      const says = async () => JSON.stringify(JSON.parse(await deployment.dss('status', '--json')));
      await until(async () => (await says()).includes('NODE_LOST'));
      await parts.removeNode('node-doomed');
      await ends(running);
      assert.notEqual(lossOf(running.worker, deployment), null);
    } finally {
      await parts.removeNode('node-doomed');
      await parts.removeNode('node-heir');
    }
  });
});
