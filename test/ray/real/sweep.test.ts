/** `dss` as a person runs it, on a real head. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '../../../orchestrator/journal/sqlite/sqlite-journal.js';
import { type RunningDss, runDss, startDss, temporaryFolder } from '../../support/dss.js';
import { DATASETS, historyOf, writeTinySweep } from '../../support/tiny-sweep.js';
import { until } from '../../support/until.js';
import { TOKEN } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { ADAPTERS, settingsOf, sharedHead } from './shared-head.js';

describe('a sweep on a Ray cluster', () => {
  for (const adapter of ADAPTERS) {
    it(`by ${adapter} runs to its end although a worker is killed and the control plane is killed and comes back`, async () => {
      const head = await sharedHead();
      using folder = temporaryFolder();
      const home = join(folder.path, 'home');
      const env = { DSS_HOME: home, DSS_DATASETS: DATASETS, RAY_AUTH_TOKEN: TOKEN };
      const file = writeTinySweep(folder.path, { seeds: [0, 1, 2, 3, 4, 5], maxSteps: 24 });
      const run = settingsOf(head, adapter, { cpus: 1, max_workers: 2, idle_minutes: 0.1 });
      appendFileSync(file, `run: ${JSON.stringify({ on: 'ray', ...run })}\n`);
      const planes: RunningDss[] = [];
      const serve = async (listen: string): Promise<RunningDss> => {
        const plane = startDss(['serve', '--on', 'ray', '--listen', listen, '--web-listen', 'off', '--lease', '20'], {
          env,
        });
        planes.push(plane);
        await plane.lineOnStderr((line) => line.includes('dss worker'));
        return plane;
      };
      try {
        const first = await serve('127.0.0.1:0');
        const { address } = JSON.parse(readFileSync(join(home, 'control.json'), 'utf8')) as { address: string };
        const watching = startDss(['sweep', file], { env });
        planes.push(watching);
        await watching.lineOnStderr((line) => line.includes('[1/12] done'));
        const [victim] = workersOf(head).values();
        process.kill(victim ?? 0, 'SIGKILL');
        await watching.lineOnStderr((line) => line.includes('[3/12] done'));
        first.process.kill('SIGKILL');
        watching.process.kill('SIGKILL');
        await Promise.all([first.finished, watching.finished]);
        const second = await serve(address);
        const { code, stdout, stderr } = await runDss(['sweep', file], { env });
        assert.equal(code, 0, stderr);
        assert.match(stdout, /12 of 12 trials done/);
        // Nothing to do: they end by themselves.
        await until(() => workersOf(head).size === 0);
        second.process.kill('SIGINT');
        await second.finished;
        const history = [...historyOf(home).values()];
        assert.deepEqual(
          history.map(({ succeeded }) => succeeded),
          history.map(() => 1),
        );
      } finally {
        for (const plane of planes) plane.process.kill('SIGKILL');
        await Promise.all(planes.map(({ finished }) => finished));
      }
    });
  }

  it('with a trial on two machines gets a gang, which trains it together and leaves nothing', async () => {
    const head = await sharedHead();
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    const env = { DSS_HOME: home, DSS_DATASETS: DATASETS, RAY_AUTH_TOKEN: TOKEN };
    const train = { machines: 2, dropout: 0 };
    const file = writeTinySweep(folder.path, { methods: ['task_prefix'], seeds: [0], maxSteps: 6, train });
    const run = settingsOf(head, 'jobs', { cpus: 1, max_workers: 2 });
    appendFileSync(file, `run: ${JSON.stringify({ on: 'ray', ...run })}\n`);
    const { code, stderr } = await runDss(['sweep', file], { env });
    assert.equal(code, 0, stderr);
    await until(() => workersOf(head).size === 0);
    const journal = openJournal(home);
    const [record] = journal.trials('tiny');
    journal.close();
    assert.equal(record?.result?.environment['processes'], '2');
  });
});
