/**
 * A real Ray head on this machine, with a token, spoken to by each adapter: how long until the first trial of a sweep is
 * lent out and until it is done, how long from 2 workers to 20 that have joined, and how much a running sweep asks of the
 * head.
 *
 *   npm run bench:ray [-- --adapter jobs|client] [--part first|grow|requests] [--json FILE]
 */
import { appendFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPython, pythonPath } from '../orchestrator/cli/python.js';
import { openJournal } from '../orchestrator/journal/sqlite/sqlite-journal.js';
import { connectCluster } from '../orchestrator/launchers/ray/connect.js';
import { createRayLauncher } from '../orchestrator/launchers/ray/ray-launcher.js';
import { ToldLauncher } from '../test/launchers/told-launcher.js';
import { RayHead, TOKEN } from '../test/ray/support/ray-head.js';
import { silent, TestPlane } from '../test/support/control-planes.js';
import { runDss, temporaryFolder } from '../test/support/dss.js';
import { DATASETS, writeTinySweep } from '../test/support/tiny-sweep.js';
import { until } from '../test/support/until.js';
import { describeMachine } from './support/machine.js';

const { values } = parseArgs({
  options: { adapter: { type: 'string' }, part: { type: 'string' }, json: { type: 'string' } },
});
const ADAPTERS = (['jobs', 'client'] as const).filter(
  (each) => values.adapter === undefined || values.adapter === each,
);
type Adapter = (typeof ADAPTERS)[number];
const PYTHON = findPython();
const figures: Record<string, number> = {};

function note(name: string, value: number, unit: string): void {
  figures[name] = Math.round(value * 100) / 100;
  console.log(`${name}: ${figures[name]} ${unit}`);
}

interface Ran {
  readonly firstLentS: number;
  readonly firstDoneS: number;
  readonly seconds: number;
  /** Between the first that was lent and the last that was done. */
  readonly runningS: number;
}

/** A sweep of tiny trials by `dss sweep`, from the start of its process. */
async function sweep(address: string, adapter: Adapter, seeds: number, maxSteps: number): Promise<Ran> {
  using folder = temporaryFolder();
  const file = writeTinySweep(folder.path, { seeds: Array.from({ length: seeds }, (_, seed) => seed), maxSteps });
  const ray = { adapter, cpus: 1, gpus: 0, max_workers: 2, python: PYTHON };
  appendFileSync(file, `run: ${JSON.stringify({ on: 'ray', address, ray })}\n`);
  const home = join(folder.path, 'home');
  const env = { DSS_HOME: home, DSS_DATASETS: DATASETS, RAY_AUTH_TOKEN: TOKEN };
  const startedMs = Date.now();
  const { code, stderr } = await runDss(['sweep', file], { env });
  if (code !== 0) throw new Error(stderr);
  const seconds = (Date.now() - startedMs) / 1000;
  const journal = openJournal(home);
  try {
    const times = (kind: string) =>
      [...journal.events()].filter(({ event }) => event.kind === kind).map(({ atUnixMs }) => atUnixMs);
    const [begun, done] = [times('begun'), times('succeeded')];
    const since = (ms: number) => (ms - startedMs) / 1000;
    return {
      firstLentS: since(Math.min(...begun)),
      firstDoneS: since(Math.min(...done)),
      seconds,
      runningS: (Math.max(...done) - Math.min(...begun)) / 1000,
    };
  } finally {
    journal.close();
  }
}

async function grow(head: RayHead, adapter: Adapter): Promise<void> {
  await using plane = await TestPlane.start();
  const { address, joinToken } = plane.plane;
  const launcher = createRayLauncher({
    logger: silent,
    pythonPath: pythonPath(),
    keepsWorkers: false,
    connect: (settings, code) => connectCluster(settings, silent, code),
  });
  const told = new ToldLauncher(launcher, plane.home, { address, joinToken });
  const settings = (max: number) => ({
    address: addressOf(head, adapter),
    ray: { adapter, cpus: 0.05, gpus: 0, max_workers: max, python: PYTHON },
  });
  const joined = async (count: number) => {
    await until(async () => (await plane.client.info()).workers.length >= count);
    await told.running(count);
  };
  const startedMs = performance.now();
  await told.want(settings(2), 2);
  await joined(2);
  note(`${adapter}: none to 2 workers that joined`, (performance.now() - startedMs) / 1000, 's');
  const grownMs = performance.now();
  await told.want(settings(20), 20);
  await joined(20);
  note(`${adapter}: 2 to 20 workers that joined`, (performance.now() - grownMs) / 1000, 's');
  await launcher.close();
}

/** What is asked of the dashboard goes through here and is counted. */
async function countRequests(head: RayHead): Promise<void> {
  const times: number[] = [];
  const counter = createServer((asked, answer) => {
    times.push(Date.now());
    const { method, url, headers } = asked;
    const sent = request(new URL(url ?? '', head.dashboard), { method, headers }, (heard) => {
      answer.writeHead(heard.statusCode ?? 502, heard.headers);
      heard.pipe(answer);
    });
    asked.pipe(sent);
  });
  await new Promise<void>((resolve) => counter.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(counter.address() as AddressInfo).port}`;
  const startedMs = Date.now();
  const { firstLentS, runningS } = await sweep(address, 'jobs', 10, 120);
  counter.close();
  const since = times.map((time) => (time - startedMs) / 1000);
  // Both workers have come half a minute after the first trial was lent, unless it is a slow machine.
  const calm = since.filter((second) => second > firstLentS + 30 && second < firstLentS + runningS);
  note('jobs: requests until the first trial was lent', since.filter((second) => second <= firstLentS).length, '');
  note(
    'jobs: requests a minute afterwards',
    (since.filter((second) => second > firstLentS && second < firstLentS + runningS).length * 60) / runningS,
    '',
  );
  note('jobs: requests a minute once both workers are there', (calm.length * 60) / Math.max(1, runningS - 30), '');
  note('jobs: seconds of that', runningS, 's');
}

function addressOf(head: RayHead, adapter: Adapter): string {
  return adapter === 'jobs' ? head.dashboard : `ray://${head.client}`;
}

const isAsked = (part: string) => values.part === undefined || values.part === part;
console.log(describeMachine());
const head = await RayHead.start();
process.env['RAY_AUTH_TOKEN'] = TOKEN;
try {
  for (const adapter of ADAPTERS) {
    if (isAsked('first')) {
      for (const nth of ['first', 'second'] as const) {
        const { firstLentS, firstDoneS, seconds } = await sweep(addressOf(head, adapter), adapter, 2, 12);
        note(`${adapter}: ${nth} sweep, first trial lent after`, firstLentS, 's');
        note(`${adapter}: ${nth} sweep, first trial done after`, firstDoneS, 's');
        note(`${adapter}: ${nth} sweep of 4 trials in all`, seconds, 's');
      }
    }
    if (isAsked('grow')) await grow(head, adapter);
    if (adapter === 'jobs' && isAsked('requests')) await countRequests(head);
  }
} finally {
  await head.stop();
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine: describeMachine(), ...figures }, null, 2)}\n`);
