/**
 * What a pool of 200 workers costs the API server and the control plane, on a real API server: `dss serve --on kubernetes`
 * in a process of its own, workers that are hollow (one process holds their sessions) and trials that do nothing.
 *
 *   npm run bench:kubernetes [-- --workers 200 --trials 10000 --json FILE]
 *
 * Needs the test cluster of `npm run test:kubernetes` and a network of its own (root, iproute2).
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { readClientTls } from '../orchestrator/auth/tls-files.js';
import { connectClient } from '../orchestrator/control/client.js';
import type { ControlFile } from '../orchestrator/control/state-lock.js';
import { withPools } from '../orchestrator/core/sweep/places/with-pools.js';
import { DEFAULT_SWEEP_OPTIONS } from '../orchestrator/core/sweep/sweep-options.js';
import { sha256 } from '../orchestrator/launchers/sha256.js';
import { ApiProxy } from '../test/kubernetes/api-proxy.js';
import { findBinary, KUBERNETES_VERSION } from '../test/kubernetes/cluster/build-binary.js';
import { Cluster } from '../test/kubernetes/cluster/cluster.js';
import { ownNetwork, whyNoNetwork } from '../test/kubernetes/own-network.js';
import { COMMAND, runDss } from '../test/support/dss.js';
import { HollowNode } from './kubernetes/hollow-node.js';
import { benchTrials } from './support/bench-trials.js';
import { type Row, report } from './support/rows.js';

const NAMESPACE = 'bench';
const PORT = 7333;
const LOOK_MS = 20;

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '200' },
    trials: { type: 'string', default: '10000' },
    json: { type: 'string' },
  },
});
const [workers, trials] = [Number(values.workers), Number(values.trials)];

if (whyNoNetwork() !== null) {
  const network = ownNetwork();
  if (network === null) throw new Error('this needs a network of its own: root, and `ip` of iproute2');
  const [program = '', ...words] = [...network.words, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.exit(spawnSync(program, words, { env: { ...process.env, ...network.env }, stdio: 'inherit' }).status ?? 1);
}

const binary = findBinary();
if (binary === null) throw new Error('there is no test cluster: `npm run test:kubernetes` builds it');
const folder = mkdtempSync(join(tmpdir(), 'dss-bench-'));
const cluster = await Cluster.start(binary, {});
const config = new KubeConfig();
config.loadFromFile(cluster.kubeconfig);
const core = config.makeApiClient(CoreV1Api);
await core.createNamespace({ body: { metadata: { name: NAMESPACE } } });
const proxy = await ApiProxy.start(config);
const home = join(folder, 'home');
const plane = await startPlane();
const node = new HollowNode({
  config: await cluster.nodeConfig('hollow', { capacity: { pods: String(workers + 10), cpu: '100000' } }),
  core,
  namespace: NAMESPACE,
  address: `127.0.0.1:${PORT}`,
  tls: readClientTls(join(home, 'auth', 'ca.pem'), null),
});

try {
  await node.start();
  const rows = await measure();
  report(`A pool on Kubernetes ${KUBERNETES_VERSION}: ${workers} hollow workers, no-op trials`, rows, values.json);
} finally {
  node.stop();
  plane.process.kill('SIGKILL');
  await proxy.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<readonly Row[]> {
  const cold = await run('cold', trials, 0);
  const startedMs = cold.askedMs.at(0) ?? 0;
  const calmFrom = proxy.requests.length;
  const calmSince = performance.now();
  const warm = await run('warm', workers, trials);
  const calmSeconds = (performance.now() - calmSince) / 1000;
  const busiest = busiestSecond(cold.askedMs);
  const row = (what: string, unit: string, value: number, detail: string): Row => {
    return { what, unit, value, aim: null, detail };
  };
  return [
    row('submit to first trial running, cold pool', 's', cold.firstSeconds, 'no Job was there'),
    row('submit to first trial running, warm pool', 's', warm.firstSeconds, `${workers} workers were idle`),
    row(`submit to ${workers} workers`, 's', cold.fullSeconds, 'all have joined'),
    row(`submit to the end of ${trials} trials`, 's', cold.seconds, 'cold pool'),
    row('requests to the API server, cold sweep', '', cold.askedMs.length, 'watches included'),
    row('requests a second, over the sweep', '1/s', cold.askedMs.length / cold.seconds, ''),
    row(
      'requests in the busiest second',
      '1/s',
      busiest.count,
      `${((busiest.atMs - startedMs) / 1000).toFixed(1)} s in`,
    ),
    row('requests of the warm sweep', '', proxy.requests.length - calmFrom, `in ${calmSeconds.toFixed(1)} s`),
    row('memory of the control plane, largest', 'MiB', plane.peakMiB(), 'VmHWM, run from sources'),
  ];
}

interface Run {
  readonly firstSeconds: number;
  readonly fullSeconds: number;
  readonly seconds: number;
  readonly askedMs: readonly number[];
}

async function run(sweep: string, count: number, before: number): Promise<Run> {
  const pools = [{ name: 'hollow', min: 0, max: workers, idleMinutes: 5, image: 'none' }];
  const place = withPools({ on: 'kubernetes', pools: [], settings: { pools } }, sha256);
  const options = { ...DEFAULT_SWEEP_OPTIONS, place };
  const seen = proxy.requests.length;
  node.firstLentMs = null;
  const started = performance.now();
  await plane.client.submit(sweep, benchTrials(sweep, 0, count), { retryFailed: false, options });
  const since = () => (performance.now() - started) / 1000;
  await until(() => node.firstLentMs !== null);
  const firstSeconds = ((node.firstLentMs ?? 0) - started) / 1000;
  await until(() => node.pods >= workers);
  const fullSeconds = since();
  await until(() => node.finished >= before + count);
  return { firstSeconds, fullSeconds, seconds: since(), askedMs: proxy.requests.slice(seen).map(({ atMs }) => atMs) };
}

function busiestSecond(askedMs: readonly number[]): { readonly count: number; readonly atMs: number } {
  return askedMs
    .map((atMs, index) => ({ atMs, count: askedMs.slice(index).filter((each) => each < atMs + 1_000).length }))
    .reduce((most, each) => (each.count > most.count ? each : most), { atMs: 0, count: 0 });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(LOOK_MS);
}

async function startPlane() {
  const { code, stderr } = await runDss(['auth', 'init', '--host', '127.0.0.1,localhost', '--home', home]);
  if (code !== 0) throw new Error(stderr);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, proxy.kubeconfig(NAMESPACE));
  const listen = ['--listen', `0.0.0.0:${PORT}`, '--advertise', `127.0.0.1:${PORT}`, '--web-listen', 'off'];
  const [program = '', ...words] = [...COMMAND, 'serve', '--on', 'kubernetes', '--home', home, ...listen];
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const child = spawn(program, words, {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', () => reject(new Error('dss serve ended at its start')));
  });
  const { address, clientToken } = JSON.parse(readFileSync(join(home, 'control.json'), 'utf8')) as ControlFile;
  return {
    process: child,
    client: connectClient({ address, token: clientToken }),
    peakMiB: () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
  };
}
