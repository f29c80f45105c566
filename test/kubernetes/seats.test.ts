import assert from 'node:assert/strict';
import type { V1Pod } from '@kubernetes/client-node';
import { temporaryFolder } from '../support/dss.js';
import { until } from '../support/until.js';
import { firstProcessOf } from './cluster/pod-process.js';
import { type GivenCluster, givenCluster, isRunning, type TestNamespace } from './given-cluster.js';
import { ToldLauncher } from './told-launcher.js';

/** In a worker's place: has had its trial when it is told so. */
const SEATED = ['/bin/sh', '-c', 'trap "exit 0" USR1; trap "exit 143" TERM; while :; do sleep 0.05; done'];
const POOL = { name: 'a', min: 0, max: 3, idleMinutes: 0, command: SEATED } as const;

describe('a pod for each trial', () => {
  let cluster: GivenCluster;
  let namespace: TestNamespace;
  let folder: ReturnType<typeof temporaryFolder>;
  let told: ToldLauncher;

  before(async function () {
    cluster = await givenCluster(this);
  });

  beforeEach(async () => {
    namespace = await cluster.namespace();
    folder = temporaryFolder();
    told = new ToldLauncher(folder.path, { connection: namespace.connection() });
  });

  afterEach(async () => {
    await told.launcher.close();
    folder[Symbol.dispose]();
    await namespace.remove();
  });

  const run = async (count: number): Promise<readonly V1Pod[]> => {
    const pods = await namespace.podsAre((all) => all.filter(isRunning).length === count);
    return pods.filter(isRunning);
  };
  const nameOf = (pod: V1Pod | undefined) => pod?.metadata?.name ?? '';
  const seatOf = (pod: V1Pod | undefined) => Number(/-(\d+)-0-[a-z0-9]{5}$/.exec(nameOf(pod))?.[1]);
  const hasHadItsTrial = async (pod: V1Pod | undefined) => {
    process.kill(firstProcessOf(pod?.metadata?.uid ?? ''), 'SIGUSR1');
    await told.exitOf(nameOf(pod));
  };
  const secretOf = async (pod: V1Pod | undefined) => {
    const name = pod?.spec?.volumes?.find((volume) => volume.name === 'join')?.secret?.secretName ?? '';
    const { data } = await cluster.core.readNamespacedSecret({ namespace: namespace.name, name });
    return Buffer.from(data?.['token'] ?? '', 'base64').toString();
  };

  it('has a Job and a token of its own, as many at a time as its pool may have', async () => {
    await told.wantSeats([POOL], 9);
    const pods = await run(3);
    const jobs = (await cluster.batch.listNamespacedJob({ namespace: namespace.name })).items;
    assert.deepEqual(
      jobs.map(({ spec }) => spec?.completions),
      [1, 1, 1],
    );
    const tokens = await Promise.all(pods.map(secretOf));
    assert.deepEqual(new Set(tokens), new Set(told.granted.map(({ token }) => token)));
    const seats = told.granted.map(({ pool }) => /^kubernetes\.a-[0-9a-f]{8}-(\d)$/.exec(pool)?.[1]).sort();
    assert.deepEqual([new Set(tokens).size, seats], [3, ['0', '1', '2']]);
  });

  it('is followed by another, with another token, while trials wait, and nothing is left when none does', async () => {
    await told.wantSeats([{ ...POOL, max: 1 }], 5);
    const [first] = await run(1);
    const token = await secretOf(first);
    await hasHadItsTrial(first);
    const [second] = await namespace.podsAre((pods) => pods.length === 1 && pods.every(isRunning));
    assert.notEqual(nameOf(second), nameOf(first));
    assert.equal(seatOf(second), seatOf(first));
    assert.notEqual(await secretOf(second), token);
    await hasHadItsTrial(second);
    await namespace.podsAre((pods) => pods.length === 1 && pods.every(isRunning) && nameOf(pods[0]) !== nameOf(second));
    assert.deepEqual([...told.notices.values()], [], 'to end soon is what they are for');
    await told.launcher.want([]);
    await until(async () => (await namespace.left()).length === 0);
    await until(() => told.revoked.length > 0);
    assert.deepEqual(new Set(told.revoked), new Set(told.granted.map(({ pool }) => pool)));
  });

  it('is not taken away because others have ended', async () => {
    await told.wantSeats([POOL], 3);
    const pods = await run(3);
    const last = pods.find((pod) => seatOf(pod) === 2);
    for (const pod of pods) if (pod !== last) await hasHadItsTrial(pod);
    await told.wantSeats([POOL], 1);
    const left = await namespace.podsAre((all) => all.length === 1);
    assert.deepEqual(left.map(nameOf), [nameOf(last)]);
    assert.equal(told.granted.length, 3);
  });

  it('is made anew when it was evicted', async () => {
    await told.wantSeats([POOL], 1);
    const [pod] = await run(1);
    const [name, token] = [nameOf(pod), await secretOf(pod)];
    await cluster.core.createNamespacedPodEviction({ namespace: namespace.name, name, body: { metadata: { name } } });
    assert.equal((await told.exitOf(name)).kind, 'preempted');
    const isNext = (each: V1Pod) => isRunning(each) && nameOf(each) !== name;
    const pods = await namespace.podsAre((all) => all.some(isNext));
    assert.notEqual(await secretOf(pods.find(isNext)), token);
  });

  it('of a program that is no worker is made more and more seldom, and that is said', async () => {
    told.hasJoined = () => false;
    await told.wantSeats([{ ...POOL, max: 1, command: ['/bin/sh', '-c', 'echo no worker'] }], 1);
    const { message } = await told.notice('WORKERS_FAILED');
    assert.match(message, /end as soon as they begin, \d in a row: .* ended with exit code 0; it said:\nno worker$/);
  });
});
