import assert from 'node:assert/strict';
import { pythonPath } from '../../orchestrator/cli/python.js';
import type { JsonValue } from '../../orchestrator/core/sweep/place.js';
import { RayError } from '../../orchestrator/launchers/ray/ray-error.js';
import { createRayLauncher, type RayLauncherOptions } from '../../orchestrator/launchers/ray/ray-launcher.js';
import { ToldLauncher } from '../launchers/told-launcher.js';
import { silent } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { MemoryCluster } from './support/memory-cluster.js';

const SETTINGS = { address: 'http://127.0.0.1:1', ray: {} };
const LATER_MS = 60_000;

describe('the Ray launcher', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let cluster: MemoryCluster;
  let nowMs: number;
  let told: ToldLauncher;
  let opened: ToldLauncher[];

  const open = (options: Partial<RayLauncherOptions> = {}): ToldLauncher => {
    const launcher = createRayLauncher({
      logger: silent,
      pythonPath: pythonPath(),
      keepsWorkers: true,
      connect: () => Promise.resolve(cluster),
      nowMs: () => nowMs,
      lookEveryMs: LATER_MS,
      ...options,
    });
    const opening = new ToldLauncher(launcher, folder.path);
    opened.push(opening);
    return opening;
  };

  beforeEach(() => {
    folder = temporaryFolder();
    cluster = new MemoryCluster();
    nowMs = 0;
    opened = [];
    told = open();
  });

  afterEach(async () => {
    for (const { launcher } of opened) await launcher.close();
    folder[Symbol.dispose]();
  });

  /** Tells it again what it knows, so much later that it looks. */
  const again = async (waiting: number, running = 0, settings: JsonValue = SETTINGS): Promise<void> => {
    nowMs += LATER_MS;
    await told.want(settings, waiting, running);
  };

  const ids = async () => [...(await told.workers()).keys()];

  it('starts a worker for each trial, as far as the cluster has room', async () => {
    await told.want(SETTINGS, 2);
    assert.equal(cluster.orders.size, 2);
    await again(100, 2);
    assert.equal(cluster.orders.size, 4);
    await again(100, 4);
    assert.equal(cluster.orders.size, 4);
  });

  it('starts no more than the sweep file allows, and as many as it wants at least', async () => {
    await told.want({ ...SETTINGS, ray: { max_workers: 1 } }, 5);
    assert.equal(cluster.orders.size, 1);
    await again(1, 0, { ...SETTINGS, ray: { min_workers: 3 } });
    assert.equal(cluster.orders.size, 3, 'of the same kind, so that the first is one of them');
  });

  it('tells a worker where to go and what it may use, and its token in its environment', async () => {
    const settings = {
      address: 'http://127.0.0.1:1',
      ray: { cpus: 2, gpus: 1, memory: '1GiB', resources: { fast: 0.5 }, python: '/opt/python', idle_minutes: 1 },
    };
    await told.want(settings, 1);
    const [order] = cluster.orders.values();
    const workerId = order?.workerId ?? '';
    assert.match(workerId, /^ray-[0-9a-f]{8}-[0-9a-f]{8}-1-1$/);
    assert.deepEqual(order?.args, [
      ...['--server', '127.0.0.1:1', '--threads', '2', '--gpus', '1', '--idle-exit', '60'],
    ]);
    assert.deepEqual(order?.ask, { cpus: 2, gpus: 1, memoryBytes: 1024 ** 3, custom: { fast: 0.5 } });
    assert.deepEqual(Object.keys(order?.env ?? {}), ['DSS_JOIN_TOKEN', 'DSS_PYTHON']);
    assert.equal(told.granted.length, 1);
    assert.match(told.granted[0] ?? '', /^ray\.[0-9a-f]{8}$/);
    assert.equal(order?.python, null, "the agent runs in Ray's own Python");
  });

  it('runs the agent where the training runs when Ray has a Python in which it cannot', async () => {
    cluster.answer = { agent: "python: No module named 'grpc'", training_python: '/opt/python' };
    await told.want({ ...SETTINGS, ray: { python: '/opt/python' } }, 1);
    const [order] = cluster.orders.values();
    assert.equal(order?.python, '/opt/python');
  });

  it('looks first whether the cluster could run a worker, once for each life of the head', async () => {
    await told.want(SETTINGS, 1);
    await again(2, 1);
    assert.equal(cluster.probes.length, 1);
    assert.equal(cluster.probes[0]?.server, '127.0.0.1:1');
    cluster.restart('second');
    await again(2);
    assert.equal(cluster.probes.length, 2);
  });

  const hopeless: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ['does not reach the control plane', { reach: 'connect: Connection refused' }, /127\.0\.0\.1:1 is not reached/],
    ['has no torch', { training_versions: { python: '3.12.0' } }, /cannot train: has no torch/],
    ['has no Python for the agent', { agent: "No module named 'grpc'" }, /can run a worker: No module named 'grpc'/],
    ['has another version of the worker', { engine: 1 }, /has engine 1/],
  ];
  for (const [what, answer, message] of hopeless) {
    it(`starts no worker on a cluster that ${what}, and says so`, async () => {
      cluster.answer = answer;
      await told.want(SETTINGS, 1);
      assert.equal(cluster.orders.size, 0);
      const [notice] = told.notices.values();
      assert.match(notice?.message ?? '', message);
      assert.notEqual(notice?.hint, '');
    });
  }

  it('ends a sweep of its own command that can get no worker', async () => {
    told = open({ keepsWorkers: false });
    cluster.answer = { reach: 'timeout: no answer in 5 s' };
    await told.want(SETTINGS, 1);
    assert.match(told.givenUp[0]?.message ?? '', /is not reached: no answer in 5 s/);
  });

  it('says of a worker that was killed how it ended, and starts another under another name', async () => {
    await told.want(SETTINGS, 1);
    const [first = ''] = await ids();
    cluster.become(first, 'ended', 'FAILED, exit code 137');
    await again(1);
    const failure = told.exits.get(first);
    assert.equal(failure?.kind, 'lost');
    assert.equal(failure?.detail, 'FAILED, exit code 137');
    assert.deepEqual(await ids(), [first.replace(/1$/, '2')]);
  });

  it('takes no notice of a worker that had nothing to do and ended', async () => {
    await told.want(SETTINGS, 2);
    const [first = '', second = ''] = await ids();
    cluster.become(first, 'ended', 'SUCCEEDED');
    await again(0, 1);
    assert.deepEqual(await ids(), [second]);
    assert.deepEqual([...told.notices], []);
  });

  it('rests longer and longer when workers die at once, and says what they said', async () => {
    await told.want(SETTINGS, 1);
    for (let death = 1; death <= 3; death += 1) {
      const [workerId = ''] = await ids();
      cluster.become(workerId, 'ended', 'FAILED: no such module');
      nowMs += 15_000;
      await told.want(SETTINGS, 1);
      assert.equal((await ids()).length, death === 1 ? 1 : 0, 'it rests after the second');
      nowMs += 10_000;
      if (death > 1) await told.want(SETTINGS, 1);
    }
    const [notice] = told.notices.values();
    assert.match(notice?.message ?? '', /3 times in a row: FAILED: no such module/);
    assert.equal((await ids()).length, 1, 'and tries again');
  });

  it('finds what a control plane before it has started, and doubles nothing', async () => {
    await told.want(SETTINGS, 2);
    const before = await ids();
    await told.launcher.close();
    assert.deepEqual(cluster.stopped, []);
    told = open();
    await told.want(SETTINGS, 2);
    assert.deepEqual(await ids(), before);
    assert.equal(cluster.orders.size, 2);
    assert.deepEqual(told.granted, [], 'their token is good');
  });

  it('does not double a worker that was asked for and not noted', async () => {
    await told.want(SETTINGS, 1);
    const [workerId = ''] = await ids();
    // The next one lists before the order has come through.
    cluster.states.delete(workerId);
    told = open();
    await told.want(SETTINGS, 1);
    assert.deepEqual([...cluster.orders.keys()], [workerId]);
  });

  it('uses no id again whose worker the cluster has forgotten', async () => {
    await told.want(SETTINGS, 2);
    const [first = '', second = ''] = await ids();
    await cluster.forget(first);
    await again(1, 1);
    assert.deepEqual((await ids()).toSorted(), [first.replace(/1$/, '2'), second].toSorted());
  });

  describe('for trials that need several machines', () => {
    const gang = (settings: JsonValue, waiting: number, running = 0) => {
      nowMs += LATER_MS;
      return told.want(settings, waiting, running, 2);
    };

    it('starts gangs, as many as there are trials and room, whose members are its workers', async () => {
      await gang(SETTINGS, 5);
      const [first, second, ...rest] = cluster.orders.values();
      assert.deepEqual(rest, [], 'four CPUs are two gangs');
      assert.match(first?.workerId ?? '', /-1-1-of-2$/);
      assert.deepEqual(first?.members, [`${first?.workerId}-m1`, `${first?.workerId}-m2`]);
      assert.deepEqual(await ids(), [...(first?.members ?? []), ...(second?.members ?? [])]);
    });

    it('tells of each member when a gang has ended, and starts another gang', async () => {
      await gang(SETTINGS, 1);
      const [workerId = ''] = cluster.orders.keys();
      const members = await ids();
      cluster.become(workerId, 'ended', 'FAILED, exit code 70');
      await gang(SETTINGS, 1);
      assert.deepEqual([...told.exits.keys()], members);
      assert.match([...cluster.orders.keys()].at(-1) ?? '', /-1-2-of-2$/);
    });

    it('does not count single workers as gangs, and counts members as workers', async () => {
      await told.want(SETTINGS, 1);
      await gang(SETTINGS, 1);
      assert.deepEqual(
        [...cluster.orders.values()].map(({ members }) => members.length),
        [1, 2],
      );
      await again(3);
      assert.equal(cluster.orders.size, 2, 'there are three workers');
    });

    it('says that a gang waits for room, and that one of that size is not allowed', async () => {
      cluster.isPrompt = false;
      cluster.cpus = 1;
      await gang(SETTINGS, 1);
      const message = /1 gang of workers waits for room .* asks for 2 times 1 CPU at once; the cluster has 1 CPU/;
      assert.match([...told.notices.values()][0]?.message ?? '', message);
      await gang({ ...SETTINGS, ray: { max_workers: 1 } }, 1);
      assert.match(
        [...told.notices.values()][0]?.message ?? '',
        /a trial needs 2 workers at once, and run\.ray\.max_workers allows 1/,
      );
    });
  });

  it('leaves what other control planes have on the cluster alone', async () => {
    cluster.become('ray-00000000-00000000-1-1', 'running');
    await told.want(SETTINGS, 1);
    assert.equal((await ids()).includes('ray-00000000-00000000-1-1'), false);
  });

  it('says what waits for room was asked for and what the cluster has, as long as it waits', async () => {
    cluster.isPrompt = false;
    await told.want({ ...SETTINGS, ray: { cpus: 3, max_workers: 1 } }, 1);
    await again(1, 0, { ...SETTINGS, ray: { cpus: 3, max_workers: 1 } });
    const [notice] = told.notices.values();
    assert.equal(notice?.code, 'WORKERS_PENDING');
    assert.match(
      notice?.message ?? '',
      /1 worker waits for room .* asks for 3 CPU; the cluster has 4 CPU \(0\.5 free\)/,
    );
    const [workerId = ''] = await ids();
    cluster.become(workerId, 'running');
    await again(1, 0, { ...SETTINGS, ray: { cpus: 3, max_workers: 1 } });
    assert.deepEqual([...told.notices], []);
  });

  it('stops those that wait for room when nothing waits for them', async () => {
    cluster.isPrompt = false;
    await told.want(SETTINGS, 3);
    const [first = '', ...rest] = await ids();
    cluster.become(first, 'running');
    await again(0, 1);
    assert.deepEqual(cluster.stopped.toSorted(), rest.toSorted());
  });

  it('starts its workers again after the head was started again', async () => {
    await told.want(SETTINGS, 2);
    const before = await ids();
    cluster.restart('second');
    await again(2);
    assert.deepEqual([...told.exits.keys()].sort(), before.toSorted());
    assert.equal((await told.workers()).size, 2);
  });

  it('asks the cluster nothing while what is known of it fits what is asked for', async () => {
    await told.want(SETTINGS, 2);
    await again(0, 2);
    const lists = cluster.lists;
    for (let change = 0; change < 50; change += 1) await told.want(SETTINGS, 0, 2);
    assert.equal(cluster.lists, lists);
  });

  it('says that the cluster does not answer, and nothing any more when it does', async () => {
    cluster.trouble = new RayError('unreachable', 'the Ray cluster does not answer', { hint: 'look' });
    await told.want(SETTINGS, 1);
    assert.deepEqual(
      [...told.notices.values()],
      [{ code: 'UNAVAILABLE', message: 'the Ray cluster does not answer', hint: 'look' }],
    );
    await told.running(1);
    assert.deepEqual([...told.notices], []);
  });

  it('starts none any more once it is draining', async () => {
    await told.want(SETTINGS, 1);
    told.launcher.drain();
    await again(4, 1);
    assert.equal(cluster.orders.size, 1);
  });

  it('ends its workers with a command that they belong to', async () => {
    told = open({ keepsWorkers: false });
    await told.want(SETTINGS, 2);
    const all = await ids();
    await told.launcher.close();
    assert.deepEqual(cluster.stopped.toSorted(), all.toSorted());
    assert.equal(told.revoked.length, 1);
  });

  it('leaves nothing on the cluster of a pool that is over', async () => {
    await told.want(SETTINGS, 1);
    const [workerId = ''] = await ids();
    cluster.become(workerId, 'ended', 'SUCCEEDED');
    await again(0);
    assert.deepEqual([...cluster.states], []);
    assert.equal(told.revoked.length, 1);
  });

  it('refuses a place whose workers could not reach this machine, before anything is asked of it', () => {
    const place = { on: 'ray' as const, pools: [], settings: { address: 'http://head.example:8265' } };
    assert.throws(() => told.launcher.check(place), {
      code: 'PLACE_ABSENT',
      message: /head\.example:8265 cannot reach a control plane that listens on its own machine only/,
    });
    told.launcher.check({ ...place, settings: SETTINGS });
  });

  it('says of a pool that its workers could not reach this machine, and goes on with the others', async () => {
    const demandOf = (settings: JsonValue) => {
      const place = { on: 'ray' as const, pools: [], settings };
      return { sweep: 'x', place, waiting: 1, running: 0, devices: 1, machines: 1 };
    };
    const far = demandOf({ address: 'http://head.example:8265', ray: {} });
    await told.launcher.want([far, demandOf(SETTINGS)]);
    assert.equal(cluster.orders.size, 1);
    assert.match((await told.noticeOf('PLACE_ABSENT')).message, /head\.example:8265 cannot reach/);
    nowMs += LATER_MS;
    await told.launcher.want([demandOf(SETTINGS)]);
    assert.deepEqual([...told.notices.keys()], [], 'nobody asks for it any more');
    const alone = open({ keepsWorkers: false });
    await assert.rejects(alone.launcher.want([far]), { code: 'PLACE_ABSENT' });
  });
});
