import assert from 'node:assert/strict';
import { pythonPath } from '../../../orchestrator/cli/python.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { createRayLauncher, type RayLauncherOptions } from '../../../orchestrator/launchers/ray/ray-launcher.js';
import { ToldLauncher } from '../../launchers/told-launcher.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { until } from '../../support/until.js';
import { RayHead, TOKEN } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { ADAPTERS, settingsOf } from './shared-head.js';

describe('a Ray head that is started again', () => {
  it('gets its workers again, by either adapter, under other names', async () => {
    process.env['RAY_AUTH_TOKEN'] = TOKEN;
    await using plane = await TestPlane.start();
    const { address, joinToken } = plane.plane;
    let head = await RayHead.start();
    try {
      const connect: RayLauncherOptions['connect'] = (settings, code) => connectCluster(settings, silent, code);
      const launchers = ADAPTERS.map((adapter) => {
        const options = { logger: silent, pythonPath: pythonPath(), keepsWorkers: false, connect };
        // Each is of a pool of its own, since their addresses differ.
        const settings = settingsOf(head, adapter, { max_workers: 1 });
        return { settings, told: new ToldLauncher(createRayLauncher(options), plane.home, { address, joinToken }) };
      });
      for (const { told, settings } of launchers) await told.want(settings, 1);
      const before = await Promise.all(launchers.map(async ({ told }) => (await told.running(1))[0] ?? ''));
      await until(() => workersOf(head).size === 2);
      await head.stop();
      head = await RayHead.start({}, head);
      for (const [index, { told, settings }] of launchers.entries()) {
        const was = before[index] ?? '';
        let now: readonly string[] = [];
        await until(async () => {
          await told.want(settings, 1);
          now = [...(await told.workers())].filter(([, state]) => state === 'running').map(([id]) => id);
          return told.exits.has(was) && now.length === 1;
        });
        assert.ok(!now.includes(was));
      }
      await Promise.all(launchers.map(({ told }) => told.launcher.close()));
      await until(() => workersOf(head).size === 0);
    } finally {
      await head.stop();
    }
  });
});
