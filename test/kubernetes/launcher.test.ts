import assert from 'node:assert/strict';
import type { V1Pod } from '@kubernetes/client-node';
import { temporaryFolder } from '../support/dss.js';
import { until } from '../support/until.js';
import { firstProcessOf } from './cluster/pod-process.js';
import { type GivenCluster, givenCluster, isRunning, type TestNamespace } from './given-cluster.js';
import { LIVES, ToldLauncher } from './told-launcher.js';

const POOL = { name: 'a', min: 0, max: 4, idleMinutes: 0, command: LIVES } as const;

describe('the Kubernetes launcher on a real API server', () => {
  let cluster: GivenCluster;
  let namespace: TestNamespace;
  let folder: ReturnType<typeof temporaryFolder>;
  let launchers: ToldLauncher[];

  before(async function () {
    cluster = await givenCluster(this);
  });

  beforeEach(async () => {
    namespace = await cluster.namespace();
    folder = temporaryFolder();
    launchers = [];
  });

  afterEach(async () => {
    await Promise.all(launchers.map(({ launcher }) => launcher.close()));
    folder[Symbol.dispose]();
    await namespace.remove();
  });

  const open = (options: Partial<ConstructorParameters<typeof ToldLauncher>[1]> = {}): ToldLauncher => {
    const told = new ToldLauncher(folder.path, { connection: namespace.connection(), ...options });
    launchers.push(told);
    return told;
  };

  const running = (count: number) => (pods: readonly V1Pod[]) =>
    pods.length === count && pods.filter(isRunning).length === count;
  const namesOf = (pods: readonly V1Pod[]) => pods.map(({ metadata }) => metadata?.name ?? '').sort();

  it('starts as many workers as there are trials, with what they join by in a Secret of their own', async () => {
    const told = open();
    await told.want([POOL], 3);
    const pods = await namespace.podsAre(running(3));
    const ids = (await told.launcher.list()).map(({ workerId }) => workerId).sort();
    assert.deepEqual(ids, namesOf(pods));
    const secrets = await cluster.core.listNamespacedSecret({ namespace: namespace.name });
    const [grant] = told.granted;
    const data = secrets.items[0]?.data?.['token'] ?? '';
    assert.deepEqual([told.granted.length, secrets.items.length], [1, 1]);
    assert.equal(Buffer.from(data, 'base64').toString(), grant?.token);
    assert.match(grant?.pool ?? '', /^kubernetes\.a-[0-9a-f]{8}$/);
    const texts = JSON.stringify([pods, await cluster.batch.listNamespacedJob({ namespace: namespace.name })]);
    assert.ok(!texts.includes(grant?.token ?? ''), 'the token is in a pod or Job');
  });

  it('grows, shrinks, and leaves nothing behind when it is idle', async () => {
    const told = open();
    await told.want([POOL], 1);
    const [first] = await namespace.podsAre(running(1));
    await told.want([POOL], 4);
    await namespace.podsAre(running(4));
    await told.want([POOL], 1);
    const left = await namespace.podsAre(running(1));
    assert.deepEqual(namesOf(left), [first?.metadata?.name], 'the lowest index stays');
    await told.launcher.want([]);
    await until(async () => (await namespace.left()).length === 0);
    await until(() => told.revoked.length === 1);
    assert.deepEqual([...new Set([...told.exits.values()].map(({ kind }) => kind))], ['preempted']);
  });

  it('removes all when it is closed and its workers do not outlive it', async () => {
    const told = open({ keepsWorkers: false });
    await told.want([POOL, { ...POOL, name: 'b' }], 8);
    await namespace.podsAre(running(8));
    await told.launcher.close();
    await until(async () => (await namespace.left()).length === 0);
  });

  it('finds its workers again after the control plane has ended', async () => {
    const before = open();
    await before.want([POOL], 2);
    const pods = await namespace.podsAre(running(2));
    await before.launcher.close();
    const after = open();
    await after.want([POOL], 2);
    assert.deepEqual((await after.launcher.list()).map(({ workerId }) => workerId).sort(), namesOf(pods));
    assert.deepEqual([after.granted, namesOf(await namespace.pods())], [[], namesOf(pods)]);
  });

  it('gives pools to their Secret that a control plane left suspended', async () => {
    const told = open();
    await told.want([POOL], 1);
    await namespace.podsAre(running(1));
    await told.launcher.close();
    const [job] = (await cluster.batch.listNamespacedJob({ namespace: namespace.name })).items;
    const name = job?.metadata?.name ?? '';
    const undo = { metadata: { annotations: { 'dss.internal/joined': null } }, spec: { suspend: true } };
    await cluster.kubectl(['patch', 'job', name, '-n', namespace.name, '--type=merge', '-p', JSON.stringify(undo)]);
    await namespace.podsAre((pods) => pods.length === 0);
    const after = open();
    await after.want([POOL], 1);
    await namespace.podsAre(running(1));
    const secrets = await cluster.core.listNamespacedSecret({ namespace: namespace.name });
    const data = secrets.items.map(({ data: each }) => Buffer.from(each?.['token'] ?? '', 'base64').toString());
    assert.deepEqual(data, [after.granted[0]?.token]);
  });

  it('makes a pool again whose Job somebody deleted', async () => {
    const told = open();
    await told.want([POOL], 2);
    const pods = await namespace.podsAre(running(2));
    await cluster.kubectl(['delete', 'jobs', '--all', '-n', namespace.name, '--wait=false']);
    for (const name of namesOf(pods)) assert.equal((await told.exitOf(name)).kind, 'preempted');
    const again = await namespace.podsAre(running(2));
    assert.ok(namesOf(again).every((name) => !namesOf(pods).includes(name)));
  });

  it('tells of an eviction, which is no fault of the trial, and replaces the worker', async () => {
    const told = open();
    await told.want([POOL], 1);
    const [pod] = await namespace.podsAre(running(1));
    const name = pod?.metadata?.name ?? '';
    await cluster.core.createNamespacedPodEviction({ namespace: namespace.name, name, body: { metadata: { name } } });
    const failure = await told.exitOf(name);
    assert.deepEqual([failure.code, failure.kind], ['WORKER_PREEMPTED', 'preempted']);
    await namespace.podsAre((pods) => pods.some((each) => isRunning(each) && each.metadata?.name !== name));
  });

  it('tells of a worker that ends by itself, with its last words', async () => {
    const told = open();
    await told.want([{ ...POOL, command: ['/bin/sh', '-c', 'echo the end is near; exit 7'] }], 1);
    await until(() => told.exits.size > 0);
    const [failure] = told.exits.values();
    assert.deepEqual([failure?.code, failure?.kind, failure?.detail], ['WORKER_EXITED', 'lost', 'the end is near']);
    assert.match(failure?.message ?? '', /ended with exit code 7/);
  });

  it('tells of a worker that was killed', async () => {
    const told = open();
    await told.want([POOL], 1);
    const [pod] = await namespace.podsAre(running(1));
    process.kill(firstProcessOf(pod?.metadata?.uid ?? ''), 'SIGKILL');
    await until(() => told.exits.size > 0);
    const [failure] = told.exits.values();
    assert.deepEqual([failure?.code, failure?.kind], ['WORKER_EXITED', 'lost']);
    assert.match(failure?.message ?? '', /ended with exit code 137/);
  });

  it('tells of a worker that made room for one of a higher priority', async () => {
    const [node] = (await cluster.core.listNode()).items;
    const all = node?.status?.allocatable?.['nvidia.com/gpu'] ?? assert.fail('the node has no GPU');
    const nodeSelector = { 'kubernetes.io/hostname': node?.metadata?.name ?? '' };
    const wide = { ...POOL, max: 1, nodeSelector, resources: { 'nvidia.com/gpu': all } };
    const priorityClass = `high-${namespace.name}`;
    await cluster.kubectl(['create', 'priorityclass', priorityClass, '--value=1000']);
    try {
      const told = open();
      await told.want([wide], 1);
      const [pod] = await namespace.podsAre(running(1));
      await told.want([{ ...wide, name: 'b', priorityClass }, wide], 2);
      const failure = await told.exitOf(pod?.metadata?.name ?? '');
      assert.deepEqual([failure.code, failure.kind], ['WORKER_PREEMPTED', 'preempted']);
      assert.match(failure.message, /it made room for a pod of a higher priority/);
    } finally {
      await cluster.kubectl(['delete', 'priorityclass', priorityClass]);
    }
  });

  const stuck: readonly (readonly [string, object, string, RegExp])[] = [
    ['no node has room', { resources: { cpu: 1000 } }, 'UNSCHEDULABLE', /Insufficient cpu/],
    ['there is no image', { image: 'missing/image:1' }, 'IMAGE_UNAVAILABLE', /ImagePullBackOff.*missing\/image:1/],
    ['a Secret is missing', { secrets: [{ secret: 'no', key: 'k', env: 'K' }] }, 'CONTAINER_REFUSED', /"no" not found/],
    [
      'Pod Security forbids it',
      { podTemplate: { spec: { hostNetwork: true } } },
      'POD_REFUSED',
      /violates PodSecurity/,
    ],
    ['its service account is missing', { serviceAccount: 'nobody' }, 'POD_REFUSED', /nobody.*not found/],
  ];
  for (const [what, pool, code, words] of stuck) {
    it(`says that ${what}, in the words of Kubernetes`, async () => {
      const told = open();
      await told.want([{ ...POOL, ...pool }], 1);
      assert.match((await told.notice(code)).message, words);
      await told.launcher.want([]);
      await until(() => told.notices.size === 0);
    });
  }

  it('says of a worker that runs and never joins where it was sent, with its last words', async () => {
    const told = open({ joinWithinMs: 500, lookEveryMs: 1_000 });
    told.isConnected = () => false;
    const script = 'trap "exit 143" TERM; echo no way there; while :; do sleep 0.05; done';
    await told.want([{ ...POOL, command: ['/bin/sh', '-c', script] }], 1);
    const { message, hint } = await told.notice('NOT_JOINED');
    assert.match(message, /^worker dss-a-\S+ of pool a-\S+ runs .* at dss:7333; it said:\nno way there$/);
    assert.match(hint, /can a pod of its namespace reach dss:7333\?/);
    told.isConnected = () => true;
    await until(() => told.notices.size === 0);
  });

  it('says of a quota that it is used up', async () => {
    const spec = { hard: { 'count/jobs.batch': '1' } };
    const body = { metadata: { name: 'jobs' }, spec };
    await cluster.core.createNamespacedResourceQuota({ namespace: namespace.name, body });
    await until(async () => {
      const quota = await cluster.core.readNamespacedResourceQuota({ namespace: namespace.name, name: 'jobs' });
      return quota.status?.hard !== undefined;
    });
    const told = open();
    await told.want([POOL, { ...POOL, name: 'b' }], 8);
    assert.match((await told.notice('NOT_ALLOWED')).message, /pool b-[0-9a-f]{8}: .*exceeded quota: jobs/);
    await namespace.podsAre(running(4));
  });

  /** In the place of Kueue, which is not here. */
  const queueSays = async (spec: object): Promise<string> => {
    const [job] = (await cluster.batch.listNamespacedJob({ namespace: namespace.name })).items;
    const name = job?.metadata?.name ?? '';
    await cluster.kubectl(['patch', 'job', name, '-n', namespace.name, '--type=merge', '-p', JSON.stringify({ spec })]);
    return name;
  };

  it('leaves a pool to its queue, and goes on when that lets it', async () => {
    const told = open();
    await told.want([{ ...POOL, queue: 'q' }], 1);
    assert.match((await told.notice('QUEUED')).message, /waits for its turn in queue q/);
    const [job] = (await cluster.batch.listNamespacedJob({ namespace: namespace.name })).items;
    assert.equal(job?.metadata?.labels?.['kueue.x-k8s.io/queue-name'], 'q');
    const template = { spec: { nodeSelector: { 'kubernetes.io/os': 'linux' } } };
    const name = await queueSays({ suspend: false, template });
    const [pod] = await namespace.podsAre(running(1));
    await until(() => told.notices.size === 0);
    // It is let in as it is: of another size it would have to wait again.
    await told.want([{ ...POOL, queue: 'q' }], 3);
    assert.equal((await cluster.batch.readNamespacedJob({ namespace: namespace.name, name })).spec?.parallelism, 1);

    await queueSays({ suspend: true });
    assert.equal((await told.exitOf(pod?.metadata?.name ?? '')).kind, 'preempted');
    await told.notice('QUEUED');
    await queueSays({ suspend: false });
    await until(async () => (await namespace.pods()).filter(isRunning).length === 3);
  });

  it('has its queue let in all of a gang or none of it, also where a smaller pool was let in before', async () => {
    const told = open();
    const pool = { ...POOL, queue: 'q' };
    await told.want([pool], 1);
    await told.notice('QUEUED');
    await queueSays({ suspend: false });
    const [pod] = await namespace.podsAre(running(1));
    await told.want([pool], 1, 3);
    assert.equal((await told.exitOf(pod?.metadata?.name ?? '')).kind, 'preempted');
    await told.notice('QUEUED');
    assert.deepEqual(namesOf(await namespace.podsAre((pods) => pods.length === 0)), []);
    const [job] = (await cluster.batch.listNamespacedJob({ namespace: namespace.name })).items;
    assert.deepEqual([job?.spec?.suspend, job?.spec?.completions, job?.spec?.parallelism], [true, 3, 3]);
    await queueSays({ suspend: false });
    await namespace.podsAre(running(3));
    await until(() => told.notices.size === 0);
  });

  it('gives back what it has of a gang that does not come together, and tries again later', async () => {
    let aheadMs = 0;
    const told = open({ nowMs: () => performance.now() + aheadMs });
    const [node] = (await cluster.core.listNode()).items;
    const nodeSelector = { 'kubernetes.io/hostname': node?.metadata?.name ?? '' };
    const pool = { ...POOL, nodeSelector, resources: { 'nvidia.com/gpu': 1 } };
    const all = Number(node?.status?.allocatable?.['nvidia.com/gpu'] ?? assert.fail('the node has no GPU'));
    await told.want([pool], 1, all + 1);
    await told.notice('UNSCHEDULABLE');
    await until(async () => (await told.launcher.list()).filter(({ state }) => state === 'running').length === all);
    await told.want([pool], 1, all + 1);
    aheadMs += 15 * 60_000;
    await told.want([pool], 1, all + 1);
    const { message } = await told.notice('GANG_INCOMPLETE');
    assert.match(message, new RegExp(`^only ${all} of the ${all + 1} workers of pool a-\\S+ that train one model`));
    await until(async () => (await namespace.left()).length === 0);
    await told.want([pool], 1, all);
    assert.deepEqual(await namespace.left(), [], 'others have their turn first');
    aheadMs += 30_000;
    await told.want([pool], 1, all);
    await namespace.podsAre(running(all));
    await until(() => told.notices.size === 0);
  });

  it('leaves the pools of another control plane in the same namespace alone', async () => {
    const told = open();
    await told.want([POOL], 1);
    await namespace.podsAre(running(1));
    using elsewhere = temporaryFolder();
    const other = new ToldLauncher(elsewhere.path, { connection: namespace.connection(), keepsWorkers: false });
    await other.want([POOL], 1);
    assert.match((await other.notice('NAME_TAKEN')).message, /not of this control plane/);
    await other.launcher.close();
    assert.equal((await namespace.pods()).filter(isRunning).length, 1);
  });

  it('says which right is missing', async () => {
    const { name } = namespace;
    await cluster.core.createNamespacedServiceAccount({ namespace: name, body: { metadata: { name: 'weak' } } });
    const token = (await cluster.kubectl(['create', 'token', 'weak', '-n', name])).trim();
    const told = open({ connection: namespace.connection({ token }) });
    await told.want([POOL], 1);
    const notice = await told.notice('NOT_ALLOWED');
    assert.match(notice.message, /Kubernetes refuses list on pods in namespace/);
    assert.match(notice.hint, /verb list on resource pods.*rbac\.yaml/);
    const rules = ['--verb=list,watch,create,patch,delete', '--resource=pods,jobs,secrets,events,pods/log'];
    await cluster.kubectl(['create', 'role', 'strong', '-n', name, ...rules]);
    await cluster.kubectl(['create', 'rolebinding', 'b', '-n', name, '--role=strong', `--serviceaccount=${name}:weak`]);
    await namespace.podsAre(running(1));
    await until(() => told.notices.size === 0);
  });

  it('says that it is not known any more', async () => {
    const told = open({ connection: namespace.connection({ token: 'not-a-token' }) });
    await told.want([POOL], 1);
    assert.match((await told.notice('AUTH_INVALID')).message, /does not know who asks \(401 on list pods\)/);
  });
});
