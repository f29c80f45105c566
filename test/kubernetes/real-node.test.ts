/** What only real containers show of a pool's pods. Needs root, a network of its own and four packages of Debian. */
import assert from 'node:assert/strict';
import { temporaryFolder } from '../support/dss.js';
import { skip } from '../support/skip.js';
import { until } from '../support/until.js';
import { nodePrograms } from './cluster/real-node/packages.js';
import { type RealNode, SHELL_IMAGE } from './cluster/real-node/real-node.js';
import { type GivenCluster, givenCluster, type TestNamespace } from './given-cluster.js';
import { whyNoNetwork } from './own-network.js';
import { ToldLauncher } from './told-launcher.js';

const NODE = 'node-real';

describe('a pool whose pods are containers of a real kubelet', () => {
  let cluster: GivenCluster;
  let node: RealNode;
  let namespace: TestNamespace;
  let folder: ReturnType<typeof temporaryFolder>;
  let told: ToldLauncher;

  before(async function () {
    const why = whyNoNetwork();
    if (why !== null) skip(this, why);
    const programs = nodePrograms();
    if (typeof programs === 'string') skip(this, programs);
    cluster = await givenCluster(this);
    node = await cluster.parts.addRealNode(NODE, programs);
  });

  after(async () => {
    await node?.stop();
    await cluster?.parts.removeNode(NODE);
  });

  beforeEach(async () => {
    namespace = await cluster.namespace();
    folder = temporaryFolder();
    told = new ToldLauncher(folder.path, { connection: namespace.connection(), image: SHELL_IMAGE });
  });

  afterEach(async () => {
    await told.launcher.want([]);
    await until(async () => (await namespace.left()).length === 0);
    await told.launcher.close();
    folder[Symbol.dispose]();
    await namespace.remove();
  });

  const pool = (script: string, more: object = {}) => [
    {
      name: 'real',
      max: 1,
      idleMinutes: 0,
      command: ['/bin/sh', '-c', script],
      nodeSelector: { 'dss.internal/real': 'yes' },
      podTemplate: { spec: { containers: [{ name: 'worker', imagePullPolicy: 'Never' }] } },
      ...more,
    },
  ];

  const logOf = async (): Promise<string> => {
    const [pod] = await namespace.pods();
    return pod === undefined
      ? ''
      : await cluster.kubectl(['logs', '-n', namespace.name, pod.metadata?.name ?? '']).catch(() => '');
  };

  const WAITS = 'trap "exit 143" TERM; echo ready; while :; do sleep 0.1; done';

  it('is nobody in particular, writes to its volumes alone, reads its Secret, and has no account', async () => {
    const script = [
      'id -u',
      'touch /x 2>&1 || touch /var/cache/dss/x && ls /var/cache/dss',
      'cat /run/dss/join/token && echo',
      'ls /var/run/secrets 2>&1',
      WAITS,
    ];
    await told.want(pool(script.join('\n')), 1);
    await until(async () => (await logOf()).includes('ready'));
    const said = (await logOf()).split('\n');
    assert.deepEqual(said.slice(0, 4), ['10001', 'touch: /x: Read-only file system', 'x', told.granted[0]?.token]);
    assert.match(said[4] ?? '', /No such file/);
  });

  it('ends by itself when it is evicted, at no cost to its trial', async () => {
    await told.want(pool(WAITS), 1);
    await until(async () => (await logOf()).includes('ready'));
    const [pod] = await namespace.pods();
    const name = pod?.metadata?.name ?? '';
    await cluster.core.createNamespacedPodEviction({ namespace: namespace.name, name, body: { metadata: { name } } });
    const { code, kind } = await told.exitOf(name);
    assert.deepEqual([code, kind], ['WORKER_PREEMPTED', 'preempted']);
  });

  it('is told from an evicted one when it is killed for using more memory than its limit', async () => {
    await told.want(pool('head -c 200000000 /dev/zero | tail', { resources: { memory: '32Mi' } }), 1);
    await until(() => told.exits.size > 0);
    const [failure] = told.exits.values();
    assert.deepEqual([failure?.code, failure?.kind], ['KILLED_OUT_OF_MEMORY', 'infrastructure']);
  });
});
