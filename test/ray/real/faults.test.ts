/** What may happen to a cluster, made to happen to a real one. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { raySettingsOf } from '../../../orchestrator/core/sweep/places/ray-settings.js';
import type { Ask, RayCluster, WorkerOrder } from '../../../orchestrator/launchers/ray/cluster.js';
import { connectCluster } from '../../../orchestrator/launchers/ray/connect.js';
import { membersOf } from '../../../orchestrator/launchers/ray/worker-ids.js';
import { silent, TestPlane } from '../../support/control-planes.js';
import { commandLineOf, isAlive, killProcess } from '../../support/processes.js';
import { until } from '../../support/until.js';
import type { RayHead } from '../support/ray-head.js';
import { workersOf } from '../support/ray-workers.js';
import { ASK, orderOf } from './order.js';
import { ADAPTERS, settingsOf, sharedHead } from './shared-head.js';

const TOO_MUCH: Ask = { ...ASK, cpus: 3 };
const A_CPU: Ask = { ...ASK, cpus: 1 };

describe('on a real Ray cluster', () => {
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

  const start = (workerId: string, otherwise: Partial<WorkerOrder> = {}) =>
    cluster.start(orderOf(plane, workerId, otherwise));

  const stateOf = async (workerId: string) => {
    const workers = await cluster.list(workerId);
    return workers.find((each) => each.workerId === workerId) ?? null;
  };
  /** By jobs it stays listed, by the client port it is gone. */
  const hasEnded = async (workerId: string) => ((await stateOf(workerId))?.state ?? 'ended') === 'ended';
  const runs = (...workerIds: readonly string[]) =>
    until(() => workerIds.every((workerId) => workersOf(head).has(workerId)));
  const isFree = (cpus: number) => until(async () => (await cluster.room()).free['CPU'] === cpus);

  for (const adapter of ADAPTERS) {
    describe(`by ${adapter}`, () => {
      before(async () => {
        cluster = await connectCluster(raySettingsOf(settingsOf(head, adapter)), silent);
      });

      after(async () => {
        await cluster?.close();
        await until(() => workersOf(head).size === 0);
      });

      const idOf = (what: string) => `ray-${adapter}-${what}-1-1`;

      it('there is one worker although it is asked for three times at once', async () => {
        const workerId = idOf('once');
        await Promise.all([1, 2, 3].map(() => start(workerId)));
        await until(async () => (await stateOf(workerId))?.state === 'running');
        await runs(workerId);
        assert.equal((await cluster.list(workerId)).length, 1);
        await cluster.stop(workerId);
        await until(() => hasEnded(workerId));
        assert.equal(workersOf(head).has(workerId), false);
      });

      it("a worker's process ends when that of Ray that holds it is killed", async () => {
        const workerId = idOf('orphan');
        await start(workerId);
        await runs(workerId);
        const agent = workersOf(head).get(workerId) ?? 0;
        killProcess(parentOf(agent));
        await until(() => !isAlive(agent));
        await until(() => hasEnded(workerId));
      });

      it('what finds no room is shown as waiting, takes none, and does not start once it is stopped', async () => {
        const [first, second] = [idOf('room'), idOf('waits')];
        await start(first, { ask: TOO_MUCH });
        await runs(first);
        await start(second, { ask: TOO_MUCH });
        await until(async () => (await stateOf(second))?.state === 'pending');
        await cluster.stop(second);
        await until(async () => (await stateOf(first))?.state === 'running');
        await cluster.stop(first);
        await until(() => hasEnded(first));
        await until(() => hasEnded(second));
        assert.equal(workersOf(head).size, 0);
      });

      it('a gang gets the room of all its workers, and gives it back when one of them is killed', async () => {
        const workerId = `${idOf('gang')}-of-2`;
        const members = membersOf(workerId);
        await start(workerId, { ask: A_CPU });
        await until(async () => (await stateOf(workerId))?.state === 'running');
        await runs(...members);
        killProcess(workersOf(head).get(members[0] ?? ''));
        await until(() => hasEnded(workerId));
        await until(() => workersOf(head).size === 0);
        await isFree(4);
      });

      it('a gang that is told to stop gives back the room of all', async () => {
        const workerId = `${idOf('gang-stop')}-of-2`;
        await start(workerId, { ask: A_CPU });
        await until(async () => (await stateOf(workerId))?.state === 'running');
        await runs(...membersOf(workerId));
        await cluster.stop(workerId);
        await until(() => hasEnded(workerId));
        await until(() => workersOf(head).size === 0);
        await isFree(4);
      });

      it('a gang for which there is no room takes none of it, and is shown as waiting', async () => {
        const workerId = `${idOf('gang-waits')}-of-2`;
        await start(workerId, { ask: TOO_MUCH });
        await until(async () => (await stateOf(workerId))?.state === 'pending');
        await isFree(4 - 0.001);
        await cluster.stop(workerId);
        await until(() => hasEnded(workerId));
        await isFree(4);
      });

      if (adapter === 'jobs') {
        it('a job that was accepted and then failed is shown as ended, with why', async () => {
          const workerId = idOf('failed');
          await start(workerId, { code: { name: '_ray_pkg_no.zip', zip: Buffer.from('no zip') } });
          await until(() => hasEnded(workerId));
          assert.match((await stateOf(workerId))?.detail ?? '', /^FAILED, .*runtime_env/s);
        });
      } else {
        it('a session whose server was killed is replaced, and the workers live on', async () => {
          const workerId = idOf('session');
          await start(workerId);
          await runs(workerId);
          const servers = head.processes.filter((pid) => commandLineOf(pid).includes('--mode=specific-server'));
          assert.notEqual(servers.length, 0);
          servers.forEach(killProcess);
          await until(async () => (await stateOf(workerId))?.state === 'running');
          assert.ok(workersOf(head).has(workerId));
          await cluster.stop(workerId);
          await until(() => hasEnded(workerId));
        });
      }
    });
  }
});

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
