/**
 * Real trials in pods, whose control plane is a process beside the cluster and sees the API server through a proxy, which
 * has it in trouble. However that is, each trial is done once and nothing of the sweep is left in the cluster.
 */
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningDss, runDss, startDss, temporaryFolder } from '../support/dss.js';
import { skip } from '../support/skip.js';
import { historyOf, writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';
import { ApiProxy, statusBody } from './api-proxy.js';
import { firstProcessOf } from './cluster/pod-process.js';
import { givenCluster, isRunning, type TestNamespace } from './given-cluster.js';
import { whyNoNetwork } from './own-network.js';

/** Nobody else's, in a network of one's own. */
const PORT = 17_333;
const TRIALS = 3;

describe('a sweep goes on though the API server', () => {
  let namespace: TestNamespace;
  let proxy: ApiProxy;
  let folder: ReturnType<typeof temporaryFolder>;
  let plane: RunningDss;
  let home: string;
  let sweeps = 0;

  before(async function () {
    const why = whyNoNetwork();
    if (why !== null) skip(this, why);
    const cluster = await givenCluster(this);
    namespace = await cluster.namespace();
    proxy = await ApiProxy.start(cluster.config);
    folder = temporaryFolder();
    home = join(folder.path, 'home');
    const { code, stderr } = await runDss(['auth', 'init', '--host', '127.0.0.1', '--home', home]);
    assert.equal(code, 0, stderr);
    showToken('first');
    const listen = ['--listen', `0.0.0.0:${PORT}`, '--advertise', `127.0.0.1:${PORT}`, '--web-listen', 'off'];
    const env = { KUBECONFIG: join(folder.path, 'kubeconfig'), DSS_WORKER_IMAGE: 'dss-worker' };
    plane = startDss(['serve', '--on', 'kubernetes', '--home', home, ...listen], { env });
    await plane.lineOnStderr((line) => line.includes('dss worker'));
  });

  afterEach(() => {
    if (proxy !== undefined) proxy.reply = () => 'pass';
  });

  after(async () => {
    plane?.process.kill('SIGKILL');
    await plane?.finished;
    await proxy?.close();
    await namespace?.remove();
    folder?.[Symbol.dispose]();
  });

  const showToken = (token: string) =>
    writeFileSync(join(folder.path, 'kubeconfig'), proxy.kubeconfig(namespace.name, token));

  /** Until one of its trials is done and two workers are at the others. */
  const begin = async (): Promise<RunningDss> => {
    sweeps += 1;
    const seeds = Array.from({ length: TRIALS }, (_, index) => TRIALS * sweeps + index);
    const name = `troubled-${sweeps}`;
    const file = writeTinySweep(folder.path, { name, methods: ['standard'], seeds, maxSteps: 60 });
    const pools = [{ name: 'pool', max: 2, idleMinutes: 0, resources: { cpu: 1 } }];
    appendFileSync(file, `run: ${JSON.stringify({ on: 'kubernetes', pools })}\n`);
    const sweep = startDss(['sweep', file, '--home', home]);
    await sweep.lineOnStderr((line) => line.includes(`[1/${TRIALS}] done`));
    return sweep;
  };

  /** So that something of the cluster is needed. */
  const killOneWorker = async () => {
    const [pod] = (await namespace.pods()).filter(isRunning);
    process.kill(firstProcessOf(pod?.metadata?.uid ?? ''), 'SIGKILL');
  };

  const ends = async (sweep: RunningDss): Promise<void> => {
    const { code, stdout, stderr } = await sweep.finished;
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`${TRIALS} of ${TRIALS} trials done`));
    const succeeded = [...historyOf(home).values()].map((counts) => counts.succeeded);
    assert.deepEqual(
      succeeded,
      Array.from({ length: TRIALS * sweeps }, () => 1),
    );
    await until(async () => (await namespace.left()).length === 0);
  };

  it('has too much to do for a while', async () => {
    const sweep = await begin();
    let refused = 0;
    proxy.reply = () => {
      refused += 1;
      return { status: 429, headers: { 'Retry-After': '1' }, body: statusBody(429, 'TooManyRequests') };
    };
    proxy.cut();
    await killOneWorker();
    await until(() => refused >= 5);
    proxy.reply = () => 'pass';
    await ends(sweep);
  });

  it('says nothing on any watch', async () => {
    proxy.reply = ({ isWatch }) => (isWatch ? 'silence' : 'pass');
    proxy.cut();
    const sweep = await begin();
    await killOneWorker();
    await ends(sweep);
  });

  it('does not know the token of the control plane any more, until that has another', async () => {
    const sweep = await begin();
    let refused = 0;
    proxy.reply = ({ token }) => {
      if (token === 'second') return 'pass';
      refused += 1;
      return { status: 401, body: statusBody(401, 'Unauthorized') };
    };
    proxy.cut();
    await killOneWorker();
    await until(() => refused >= 3);
    showToken('second');
    await ends(sweep);
  });
});
