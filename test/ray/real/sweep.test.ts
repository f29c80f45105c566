/** `dss` as a person runs it, on a real head. */
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '../../../orchestrator/journal/sqlite/sqlite-journal.js';
import { type RunningDss, runDss, startDss, temporaryFolder } from '../../support/dss.js';
import { commandLineOf, killProcess } from '../../support/processes.js';
import { DATASETS, historyOf, type TinySweep, writeTinySweep } from '../../support/tiny-sweep.js';
import { until } from '../../support/until.js';
import { freePorts } from '../support/free-ports.js';
import { ALLOWED_FLAGS } from '../support/ray-environment.js';
import { type RayHead, TOKEN } from '../support/ray-head.js';
import { lentTo, workersOf } from '../support/ray-workers.js';
import { ADAPTERS, settingsOf, sharedHead } from './shared-head.js';

describe('a sweep on a Ray cluster', () => {
  let head: RayHead;
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  let started: RunningDss[];

  before(async () => {
    head = await sharedHead();
  });

  beforeEach(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
    started = [];
  });

  afterEach(async () => {
    for (const each of started) each.process.kill('SIGKILL');
    await Promise.all(started.map(({ finished }) => finished));
    folder[Symbol.dispose]();
  });

  const environment = () => ({ env: { DSS_HOME: home, DSS_DATASETS: DATASETS, RAY_AUTH_TOKEN: TOKEN } });

  const start = (...args: readonly string[]): RunningDss => {
    const running = startDss(args, environment());
    started.push(running);
    return running;
  };

  const serve = async (port: number, leaseS: number): Promise<RunningDss> => {
    const listening = ['--listen', `127.0.0.1:${port}`, '--web-listen', 'off', '--lease', String(leaseS)];
    const plane = start('serve', '--on', 'ray', ...listening);
    await plane.lineOnStderr((line) => line.includes('dss worker'));
    return plane;
  };

  const write = (sweep: TinySweep, run: ReturnType<typeof settingsOf>): string => {
    const file = writeTinySweep(folder.path, sweep);
    appendFileSync(file, `run: ${JSON.stringify({ on: 'ray', ...run })}\n`);
    return file;
  };

  const areGone = () => until(() => workersOf(head).size === 0);

  for (const adapter of ADAPTERS) {
    it(`by ${adapter} runs to its end although a worker is killed and the control plane is killed and comes back`, async () => {
      const run = settingsOf(head, adapter, { cpus: 1, max_workers: 2, idle_minutes: 0.1 });
      const file = write({ seeds: [0, 1, 2, 3, 4, 5], maxSteps: 24 }, run);
      const [port = 0] = await freePorts(1);
      const first = await serve(port, 20);
      const watching = start('sweep', file);
      await watching.lineOnStderr((line) => line.includes('[1/12] done'));
      const [victim] = workersOf(head).values();
      killProcess(victim);
      await watching.lineOnStderr((line) => line.includes('[3/12] done'));
      first.process.kill('SIGKILL');
      watching.process.kill('SIGKILL');
      await Promise.all([first.finished, watching.finished]);
      const second = await serve(port, 20);
      const { code, stdout, stderr } = await runDss(['sweep', file], environment());
      assert.equal(code, 0, stderr);
      assert.match(stdout, /12 of 12 trials done/);
      // Nothing to do: they end by themselves.
      await areGone();
      second.process.kill('SIGINT');
      await second.finished;
      const history = [...historyOf(home).values()];
      assert.deepEqual(
        history.map(({ succeeded }) => succeeded),
        history.map(() => 1),
      );
    });

    it(`by ${adapter} leaves nothing that runs when its control plane never comes back`, async () => {
      const run = settingsOf(head, adapter, { cpus: 1, max_workers: 2, idle_minutes: 0.05 });
      const file = write({ maxSteps: 100_000 }, run);
      const plane = await serve(0, 5);
      const { code, stderr } = await runDss(['sweep', file, '--detach'], environment());
      assert.equal(code, 0, stderr);
      const training = () => head.processes.map(commandLineOf).filter((words) => words.includes('child'));
      await until(() => training().length === 2);
      plane.process.kill('SIGKILL');
      await areGone();
      await until(() => training().length === 0);
      const clean = ['ray', 'clean', '--address', run.address, '--json', ...ALLOWED_FLAGS];
      await runDss(clean, environment());
      assert.deepEqual(JSON.parse((await runDss(clean, environment())).stdout), []);
    });
  }

  it('that began on this machine ends there, and does nothing twice', async () => {
    const { address, ...run } = settingsOf(head, 'jobs', { cpus: 1, max_workers: 1 });
    const file = write({ maxSteps: 24 }, { ...run, address: 'http://127.0.0.1:9' });
    const here = start('sweep', file, '--on', 'local', '--workers', '1');
    await here.lineOnStderr((line) => line.includes('[1/4] done'));
    here.process.kill('SIGINT');
    await here.finished;
    const { code, stderr } = await runDss(['sweep', file, '--ray-address', address], environment());
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      [...historyOf(home).values()].map(({ succeeded }) => succeeded),
      [1, 1, 1, 1],
    );
    assert.deepEqual([...lentTo(home)].map((workerId) => workerId.split('-')[0]).toSorted(), ['local', 'ray']);
    await areGone();
  });

  it('with a trial on two machines gets a gang, which trains it together and leaves nothing', async () => {
    const train = { machines: 2, dropout: 0 };
    const run = settingsOf(head, 'jobs', { cpus: 1, max_workers: 2 });
    const file = write({ methods: ['task_prefix'], seeds: [0], maxSteps: 6, train }, run);
    const { code, stderr } = await runDss(['sweep', file], environment());
    assert.equal(code, 0, stderr);
    await areGone();
    const journal = openJournal(home);
    const [record] = journal.trials('tiny');
    journal.close();
    assert.equal(record?.result?.environment['processes'], '2');
  });
});
