import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDss, temporaryFolder } from '../../support/dss.js';
import { DATASETS, historyOf, writeTinySweep } from '../../support/tiny-sweep.js';
import { until } from '../../support/until.js';
import { RayHead, TOKEN } from '../support/ray-head.js';
import { lentTo, workersOf } from '../support/ray-workers.js';
import { ADAPTERS, settingsOf } from './shared-head.js';

describe('a Ray head that is started again', () => {
  let head: RayHead;

  before(async () => {
    head = await RayHead.start();
  });

  after(async () => {
    await head?.stop();
  });

  for (const adapter of ADAPTERS) {
    it(`costs a sweep by ${adapter} nothing that was done, and gives it workers of other names`, async () => {
      using folder = temporaryFolder();
      const home = join(folder.path, 'home');
      const file = writeTinySweep(folder.path, { maxSteps: 24 });
      const run = settingsOf(head, adapter, { max_workers: 1 });
      appendFileSync(file, `run: ${JSON.stringify({ on: 'ray', ...run })}\n`);
      const env = { DSS_HOME: home, DSS_DATASETS: DATASETS, RAY_AUTH_TOKEN: TOKEN };
      const sweep = startDss(['sweep', file], { env });
      try {
        await sweep.lineOnStderr((line) => line.includes('[1/4] done'));
        await head.stop();
        head = await RayHead.start({}, head);
        const { code, stderr } = await sweep.finished;
        assert.equal(code, 0, stderr);
      } finally {
        sweep.process.kill('SIGKILL');
        await sweep.finished;
      }
      assert.deepEqual(
        [...historyOf(home).values()].map(({ succeeded }) => succeeded),
        [1, 1, 1, 1],
      );
      assert.equal(lentTo(home).size, 2);
      await until(() => workersOf(head).size === 0);
    });
  }
});
