import { pythonPath } from '../../../orchestrator/cli/python.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { createRayLauncher, type RayLauncherOptions } from '../../../orchestrator/launchers/ray/ray-launcher.js';
import { keepsTheContract, type LaunchPlace } from '../../launchers/contract.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { until } from '../../support/until.js';
import type { RayHead } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { ADAPTERS, type Adapter, settingsOf, sharedHead } from './shared-head.js';

for (const adapter of ADAPTERS) {
  let head: RayHead;
  const prepare = async () => {
    head = await sharedHead();
  };
  keepsTheContract(`ray by ${adapter}`, () => placeOn(head, adapter), { survives: true, prepare });
}

/** Workers are real agents, which join a control plane. */
async function placeOn(head: RayHead, adapter: Adapter): Promise<LaunchPlace> {
  const plane = await TestPlane.start();
  const { address, joinToken } = plane.plane;
  const connect: RayLauncherOptions['connect'] = (settings, code) => connectCluster(settings, silent, code);
  const launcher = (keepsWorkers: boolean) =>
    createRayLauncher({ logger: silent, pythonPath: pythonPath(), keepsWorkers, connect });
  return {
    launcher,
    settings: (maxWorkers) => settingsOf(head, adapter, { max_workers: maxWorkers }),
    wishes: { address, joinToken },
    processes: () => workersOf(head),
    hopeless: {
      launcher: () => launcher(false),
      settings: settingsOf(head, adapter, { cpus: 64, max_workers: 1 }),
      words: /1 worker waits for room .* asks for 64 CPU; the cluster has 4 CPU/,
    },
    async [Symbol.asyncDispose]() {
      await until(() => workersOf(head).size === 0);
      await plane[Symbol.asyncDispose]();
    },
  };
}
