import assert from 'node:assert/strict';
import { raySettingsOf } from '../../../orchestrator/core/sweep/places/ray-settings.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { planeOf } from '../../../orchestrator/launchers/ray/worker-ids.js';
import { ensureHomeId } from '../../../orchestrator/store/home-id.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { runDss, temporaryFolder } from '../../support/dss.js';
import { until } from '../../support/until.js';
import { ALLOWED_FLAGS } from '../support/ray-environment.js';
import { TOKEN } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { orderOf } from './order.js';
import { ADAPTERS, settingsOf, sharedHead } from './shared-head.js';

describe('dss ray clean', () => {
  for (const adapter of ADAPTERS) {
    it(`by ${adapter} ends what a control plane that is gone has left, and leaves what others have`, async () => {
      const head = await sharedHead();
      await using plane = await TestPlane.start();
      using folder = temporaryFolder();
      const settings = settingsOf(head, adapter);
      const cluster = await connectCluster(raySettingsOf(settings), silent);
      const ours = `ray-${planeOf(ensureHomeId(folder.path))}-aaaaaaaa-1-1`;
      const others = 'ray-00000000-aaaaaaaa-1-1';
      for (const workerId of [ours, others]) {
        await cluster.start(orderOf(plane, workerId));
      }
      await until(() => workersOf(head).size === 2);
      await until(async () => (await cluster.list('ray-')).filter(({ state }) => state === 'running').length === 2);
      await cluster.close();
      const env = { DSS_HOME: folder.path, RAY_AUTH_TOKEN: TOKEN };
      const clean = (...flags: readonly string[]) =>
        runDss(['ray', 'clean', '--address', settings.address, '--json', ...ALLOWED_FLAGS, ...flags], { env });
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
