import assert from 'node:assert/strict';
import { findPython, pythonPath } from '../../../orchestrator/cli/python.js';
import { raySettingsOf } from '../../../orchestrator/core/sweep/places/ray-settings.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { readWorkerCode } from '../../../orchestrator/launchers/ray/worker-code.js';
import { planeOf } from '../../../orchestrator/launchers/ray/worker-ids.js';
import { ensureHomeId } from '../../../orchestrator/store/home-id.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { runDss, temporaryFolder } from '../../support/dss.js';
import { until } from '../../support/until.js';
import { ALLOWED } from '../support/ray-environment.js';
import { TOKEN } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { ADAPTERS, settingsOf, sharedHead } from './shared-head.js';

describe('dss ray clean', () => {
  for (const adapter of ADAPTERS) {
    it(`by ${adapter} ends what a control plane that is gone has left, and leaves what others have`, async () => {
      const head = await sharedHead();
      await using plane = await TestPlane.start();
      using folder = temporaryFolder();
      const { address: server, joinToken } = plane.plane;
      const settings = settingsOf(head, adapter);
      const cluster = await connectCluster(raySettingsOf(settings), silent);
      const ours = `ray-${planeOf(ensureHomeId(folder.path))}-aaaaaaaa-1-1`;
      const others = 'ray-00000000-aaaaaaaa-1-1';
      for (const workerId of [ours, others]) {
        await cluster.start({
          workerId,
          members: [workerId],
          args: ['--server', server, '--threads', '1'],
          env: { DSS_JOIN_TOKEN: joinToken, DSS_PYTHON: findPython() },
          python: null,
          ask: { cpus: 0.5, gpus: 0, memoryBytes: 0, custom: {} },
          code: readWorkerCode(pythonPath()),
        });
      }
      await until(() => workersOf(head).size === 2);
      await until(async () => (await cluster.list('ray-')).filter(({ state }) => state === 'running').length === 2);
      await cluster.close();
      const allowed = 'allow_untested_ray' in ALLOWED ? ['--allow-untested-ray'] : [];
      const env = { DSS_HOME: folder.path, RAY_AUTH_TOKEN: TOKEN };
      const clean = (...flags: readonly string[]) =>
        runDss(['ray', 'clean', '--address', settings.address, '--json', ...allowed, ...flags], { env });
      const { code, stdout, stderr } = await clean();
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), [{ workerId: ours, was: 'running' }]);
      await until(() => workersOf(head).size === 1);
      assert.ok(workersOf(head).has(others));
      await clean('--all');
      await until(() => workersOf(head).size === 0);
    });
  }
});
