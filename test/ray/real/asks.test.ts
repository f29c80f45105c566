import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { raySettingsOf } from '../../../orchestrator/core/sweep/places/ray-settings.js';
import type { Ask, ClusterRoom, RayCluster } from '../../../orchestrator/launchers/ray/cluster.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { until } from '../../support/until.js';
import type { RayHead } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { orderOf } from './order.js';
import { ADAPTERS, settingsOf, sharedHead } from './shared-head.js';

const MIB = 2 ** 20;
const ASK: Ask = { cpus: 0.5, gpus: 1, memoryBytes: 64 * MIB, custom: { fast: 1 } };

describe('a worker on a real Ray cluster gets what it asks for', () => {
  let head: RayHead;
  let plane: TestPlane;
  let cluster: RayCluster;

  before(async () => {
    head = await sharedHead();
    plane = await TestPlane.start();
  });

  after(async () => {
    await plane?.[Symbol.asyncDispose]();
  });

  afterEach(async () => {
    for (const { workerId } of await cluster.list('ray-')) await cluster.stop(workerId);
    await cluster.close();
    await until(() => workersOf(head).size === 0);
  });

  for (const adapter of ADAPTERS) {
    it(`by ${adapter}: a GPU of its own, memory and whatever else the cluster counts; a third waits for the two GPUs`, async () => {
      cluster = await connectCluster(raySettingsOf(settingsOf(head, adapter)), silent);
      const [first, second, third] = [1, 2, 3].map((slot) => `ray-asks-${adapter}-${slot}-1`) as [
        string,
        string,
        string,
      ];
      const { total } = await cluster.room();
      assert.deepEqual([total['GPU'], total['fast']], [2, 2]);
      for (const workerId of [first, second]) await cluster.start(orderOf(plane, workerId, { ask: ASK }));
      await until(() => workersOf(head).size === 2);
      const devices = [...workersOf(head).values()].map(devicesOf);
      assert.deepEqual(devices.toSorted(), ['0', '1']);
      // What is free is told a moment later, and nothing at all of a head that has just started.
      let free: ClusterRoom['free'] = {};
      await until(async () => {
        free = (await cluster.room()).free;
        return free['GPU'] === 0;
      });
      const taken = (name: string) => (total[name] ?? 0) - (free[name] ?? 0);
      assert.deepEqual([taken('CPU'), taken('memory')], [1, 128 * MIB]);
      await cluster.start(orderOf(plane, third, { ask: ASK }));
      await until(async () => (await cluster.list(third))[0]?.state === 'pending');
      await cluster.stop(third);
      assert.equal(workersOf(head).size, 2);
    });
  }
});

/** As Ray has told them to the process. */
function devicesOf(pid: number): string {
  return /(?:^|\0)CUDA_VISIBLE_DEVICES=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1] ?? '';
}
