/** What an API server does when it is in trouble, by a proxy that does it to a launcher in front of a real one. */
import assert from 'node:assert/strict';
import type { V1Pod } from '@kubernetes/client-node';
import type { JsonValue } from '../../orchestrator/core/sweep/place.js';
import { temporaryFolder } from '../support/dss.js';
import { until } from '../support/until.js';
import { ApiProxy, type ProxiedRequest, statusBody } from './api-proxy.js';
import { type GivenCluster, givenCluster, isRunning, type TestNamespace } from './given-cluster.js';
import { LIVES, ToldLauncher } from './told-launcher.js';

const POOL = { name: 'a', min: 0, max: 4, idleMinutes: 0, command: LIVES } as const;

describe('a launcher whose API server', () => {
  let cluster: GivenCluster;
  let namespace: TestNamespace;
  let folder: ReturnType<typeof temporaryFolder>;
  let proxy: ApiProxy;
  let told: ToldLauncher;

  before(async function () {
    cluster = await givenCluster(this);
  });

  beforeEach(async () => {
    namespace = await cluster.namespace();
    folder = temporaryFolder();
    proxy = await ApiProxy.start(cluster.config);
    told = new ToldLauncher(folder.path, {
      connection: proxy.connection(namespace.name),
      keepsWorkers: false,
      lookEveryMs: 2_000,
    });
  });

  afterEach(async () => {
    proxy.reply = () => 'pass';
    await told.launcher.close();
    await proxy.close();
    folder[Symbol.dispose]();
    await namespace.remove();
  });

  const running = (count: number) => (pods: readonly V1Pod[]) => pods.filter(isRunning).length === count;
  const kill = (pods: readonly V1Pod[]) =>
    cluster.core.deleteNamespacedPod({ namespace: namespace.name, name: pods[0]?.metadata?.name ?? '' });

  it('asks for quiet is left in quiet for as long as it says', async () => {
    let refused = 0;
    proxy.reply = () => {
      refused += 1;
      if (refused > 3) return 'pass';
      return { status: 429, headers: { 'Retry-After': '1' }, body: statusBody(429, 'TooManyRequests') };
    };
    await told.want([POOL], 1);
    assert.equal((await told.notice('UNAVAILABLE')).message.includes('(429)'), true);
    await namespace.podsAre(running(1));
    await until(() => told.notices.size === 0);
    const gaps = proxy.requests.slice(1, 4).map(({ atMs }, index) => atMs - (proxy.requests[index]?.atMs ?? 0));
    assert.ok(
      gaps.every((ms) => ms >= 990),
      gaps.join(),
    );
  });

  it('forgets what a watch was to go on from is listed again', async () => {
    await told.want([POOL], 1);
    const pods = await namespace.podsAre(running(1));
    const known = proxy.requests.findLast(({ isWatch }) => isWatch)?.version ?? assert.fail();
    const forgotten = new Set([known]);
    let gone = 0;
    proxy.reply = ({ isWatch, version }) => {
      if (!isWatch || !forgotten.has(version)) return 'pass';
      gone += 1;
      return { status: 200, body: `${JSON.stringify({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })}\n` };
    };
    // Where it has come to is forgotten as well.
    for (const { version } of proxy.requests) forgotten.add(version);
    for (const pod of pods) forgotten.add(pod.metadata?.resourceVersion ?? '');
    forgotten.delete('');
    proxy.cut();
    await until(() => gone > 0);
    await kill(pods);
    assert.equal((await told.exitOf(pods[0]?.metadata?.name ?? '')).kind, 'preempted');
    await until(() => proxy.requests.some(({ isWatch, version }) => isWatch && !forgotten.has(version)));
  });

  it('is silent on a watch is found out by the next list', async () => {
    proxy.reply = ({ isWatch }) => (isWatch ? 'silence' : 'pass');
    await told.want([POOL], 1);
    const pods = await namespace.podsAre(running(1));
    await kill(pods);
    await told.exitOf(pods[0]?.metadata?.name ?? '');
    await namespace.podsAre((now) => now.some((pod) => isRunning(pod) && pod.metadata?.uid !== pods[0]?.metadata?.uid));
  });

  it('cuts answers off is asked again', async () => {
    let cuts = 0;
    proxy.reply = ({ resource, isWatch }) => {
      if (resource !== 'jobs' || isWatch || cuts === 2) return 'pass';
      cuts += 1;
      return 'cut';
    };
    await told.want([POOL], 1);
    assert.match((await told.notice('UNAVAILABLE')).message, /does not answer: the connection was cut/);
    await namespace.podsAre(running(1));
    await until(() => told.notices.size === 0);
  });

  it('fails in the middle of making a pool has one pool in the end', async () => {
    let failures = 0;
    proxy.reply = ({ method, resource }) => {
      if (method !== 'POST' || resource !== 'secrets' || failures === 2) return 'pass';
      failures += 1;
      return { status: 500, body: statusBody(500, 'InternalError') };
    };
    await told.want([POOL], 1);
    await namespace.podsAre(running(1));
    const secrets = await cluster.core.listNamespacedSecret({ namespace: namespace.name });
    const jobs = await cluster.batch.listNamespacedJob({ namespace: namespace.name });
    assert.deepEqual([failures, secrets.items.length, jobs.items.length], [2, 1, 1]);
  });

  for (const [what, status, reason] of [
    ['is away for a while', 503, 'ServiceUnavailable'],
    ['has too much to do for a while', 429, 'TooManyRequests'],
  ] as const) {
    it(`${what} is waited for, and no worker is given up`, async () => {
      await told.want([POOL], 2);
      await namespace.podsAre(running(2));
      const refusedMs: number[] = [];
      proxy.reply = ({ atMs }) => {
        refusedMs.push(atMs);
        return { status, body: statusBody(status, reason) };
      };
      proxy.cut();
      await told.notice('UNAVAILABLE');
      await until(() => refusedMs.length >= 4);
      proxy.reply = () => 'pass';
      await until(() => told.notices.size === 0);
      assert.deepEqual([told.exits.size, (await told.launcher.list()).length], [0, 2]);
      const seconds = ((refusedMs[3] ?? 0) - (refusedMs[0] ?? 0)) / 1000;
      assert.ok(seconds >= 1, `asked four times in ${seconds} s`);
    });
  }

  it('knows its token no more is asked with the one that was renewed, and no worker is given up', async () => {
    await told.launcher.close();
    let token = 'first';
    const connection = proxy.connection(namespace.name, () => token);
    told = new ToldLauncher(folder.path, { connection, keepsWorkers: false, lookEveryMs: 2_000 });
    await told.want([POOL], 1);
    await namespace.podsAre(running(1));
    proxy.reply = ({ token: shown }) => {
      return shown === 'second' ? 'pass' : { status: 401, body: statusBody(401, 'Unauthorized') };
    };
    proxy.cut();
    assert.match((await told.notice('AUTH_INVALID')).hint, /expired/);
    token = 'second';
    await until(() => told.notices.size === 0);
    await told.want([POOL], 2);
    await namespace.podsAre(running(2));
    assert.equal(told.exits.size, 0);
  });

  it('never stops to tell of changes is listed all the same', async () => {
    await told.launcher.close();
    const connection = proxy.connection(namespace.name);
    // By itself it would look again only long after the test.
    told = new ToldLauncher(folder.path, { connection, keepsWorkers: false, lookEveryMs: 3_600_000 });
    await told.want([POOL], 1);
    const [pod] = await namespace.podsAre(running(1));
    await until(async () => (await told.launcher.list()).every(({ state }) => state === 'running'));
    const looks = () => proxy.requests.filter(({ resource }) => resource === 'jobs').length;
    const before = looks();
    const talking = setInterval(() => proxy.say({ type: 'MODIFIED', object: pod }), 100);
    try {
      await until(() => looks() >= before + 3);
    } finally {
      clearInterval(talking);
    }
  });

  describe('refuses', () => {
    /** Without chance, and looking by itself only long after the test. */
    const reopen = async () => {
      await told.launcher.close();
      const connection = proxy.connection(namespace.name);
      const options = { connection, keepsWorkers: false, lookEveryMs: 3_600_000, random: () => 0 };
      told = new ToldLauncher(folder.path, options);
    };

    /** Pods change and sweeps ask for workers all the time, until there are four such requests. */
    const gapsOfFour = async (pools: JsonValue, isSuch: (request: ProxiedRequest) => boolean) => {
      const [pod] = await namespace.podsAre(running(1));
      const before = proxy.requests.length;
      const such = () => proxy.requests.slice(before).filter(isSuch);
      const talking = setInterval(() => {
        proxy.say({ type: 'MODIFIED', object: pod });
        void told.want(pools, 3);
      }, 100);
      try {
        await until(() => such().length >= 4);
      } finally {
        clearInterval(talking);
      }
      const times = such().map(({ atMs }) => atMs);
      return times.slice(1, 4).map((atMs, index) => atMs - (times[index] ?? 0));
    };
    const double = (gaps: readonly number[]) => gaps.every((ms, index) => ms >= 500 * 2 ** index);

    it('one pool is asked for that more and more seldom, and the others have their workers', async () => {
      await reopen();
      const pools = [
        { ...POOL, max: 1 },
        { ...POOL, name: 'b' },
      ];
      let made = 0;
      const makesJob = ({ method, resource }: ProxiedRequest) => method === 'POST' && resource === 'jobs';
      proxy.reply = (request) => {
        if (!makesJob(request)) return 'pass';
        made += 1;
        return made === 1 ? 'pass' : { status: 403, body: statusBody(403, 'Forbidden') };
      };
      await told.want(pools, 1);
      const gaps = await gapsOfFour(pools, makesJob);
      assert.ok(double(gaps), gaps.join());
      assert.match((await told.notice('NOT_ALLOWED')).message, /pool b-/);
      proxy.reply = () => 'pass';
      await namespace.podsAre(running(3));
      await until(() => told.notices.size === 0);
      assert.equal(told.exits.size, 0);
    });

    it('everything is asked more and more seldom, whoever asks the launcher', async () => {
      await reopen();
      await told.want([POOL], 1);
      await namespace.podsAre(running(1));
      proxy.reply = ({ method, isWatch }) => {
        return method !== 'GET' || isWatch ? 'pass' : { status: 500, body: statusBody(500, 'InternalError') };
      };
      const gaps = await gapsOfFour([POOL], ({ isWatch }) => !isWatch);
      assert.ok(double(gaps), gaps.join());
      proxy.reply = () => 'pass';
      await namespace.podsAre(running(3));
      await until(() => told.notices.size === 0);
    });
  });

  it('is calm is asked little', async () => {
    await told.want([POOL], 2);
    await namespace.podsAre(running(2));
    await until(async () => (await told.launcher.list()).every(({ state }) => state === 'running'));
    const before = proxy.requests.length;
    const since = () => proxy.requests.slice(before);
    const looks = () => since().filter(({ resource }) => resource === 'jobs');
    await until(() => looks().length === 4);
    // Two lists at each look, and nothing between. The first look is due to the last hint.
    assert.equal(since().length, 8);
    const gaps = looks().map(({ atMs }, index) => atMs - (looks()[index - 1]?.atMs ?? 0));
    assert.ok(
      gaps.slice(2).every((ms) => ms >= 1_900),
      gaps.join(),
    );
  });
});
