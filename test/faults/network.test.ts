import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { WorkerState } from '../../orchestrator/core/watch-event.js';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';
import { LineProcess } from '../support/lines.js';
import { type Machine, Namespaces } from '../support/namespaces.js';
import { isAlive } from '../support/processes.js';
import { RealAgent } from '../support/real-agent.js';
import { skip } from '../support/skip.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

const LEASE_MS = 6_000;
const SUPPORT = join(REPOSITORY, 'test/support');
const NODE = [process.execPath, '--import', import.meta.resolve('tsx')];

type Told = Readonly<Record<string, unknown>>;

describe('a worker on another machine', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let net: Namespaces | null;
  let processes: LineProcess[];
  let agent: RealAgent | null;

  beforeEach(() => {
    folder = temporaryFolder();
    processes = [];
    agent = null;
    net = null;
  });

  afterEach(async () => {
    agent?.signal('SIGKILL');
    await agent?.ended;
    await Promise.all(processes.map((each) => each.kill()));
    net?.[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  const start = (command: readonly string[]): LineProcess => {
    const started = new LineProcess(command);
    processes.push(started);
    return started;
  };

  /** Both ends speak to an address of their own machine, which is all that needs no certificate. */
  const forward = async (on: readonly string[], from: string, to: string, port: string): Promise<string> =>
    start([...on, process.execPath, join(SUPPORT, 'forward.mjs'), from, '0', to, port]).next();

  const cuts: readonly (readonly [string, readonly Machine[]])[] = [
    ['that nothing reaches, and nothing comes from', ['plane', 'worker']],
    ['whose words do not reach the control plane', ['plane']],
    ['that the words of the control plane do not reach', ['worker']],
  ];
  for (const [what, ways] of cuts) {
    it(`${what} stops before its trial is lent to another, and comes back when that is over`, async function () {
      net = Namespaces.create();
      if (net === null) skip(this, 'network namespaces need root and `ip` on Linux');
      const train = { eval_steps: 5_000, checkpoint_steps: 50 };
      const file = writeTinySweep(folder.path, { methods: ['standard'], seeds: [0], maxSteps: 5_000, train });
      const home = join(folder.path, 'home');
      const plane = start([
        ...net.on('plane'),
        ...NODE,
        join(SUPPORT, 'plane-by-lines.ts'),
        home,
        String(LEASE_MS),
        file,
        DATASETS,
      ]);
      const told = async (accepts: (line: Told) => boolean) =>
        JSON.parse(await plane.next((line) => accepts(JSON.parse(line) as Told))) as Told;
      const { address, joinToken } = await told(({ kind }) => kind === 'ready');
      const near = await forward(
        net.on('plane'),
        net.addressOf('plane'),
        '127.0.0.1',
        String(address).split(':')[1] ?? '',
      );
      const far = await forward(net.on('worker'), '127.0.0.1', net.addressOf('plane'), near);
      agent = new RealAgent('far', { address: `127.0.0.1:${far}`, joinToken: String(joinToken) }, net.on('worker'));
      const steps = ({ worker }: Told) => (worker as WorkerState).running.map(({ step }) => step);
      await told((line) => line['kind'] === 'worker' && steps(line).some((step) => step > 0));
      const below = agent.below;
      assert.ok(below.length > 0, 'nothing trains');

      for (const machine of ways) net.cutTo(machine);
      plane.tell('join');
      assert.equal((await told(({ kind }) => kind === 'lent'))['attempt'], 2);
      assert.deepEqual(below.filter(isAlive), [], 'two work on one trial');
      await agent.says(/was not renewed in time/);

      for (const machine of ways) net.healTo(machine);
      await told(({ msg, workerId }) => msg === 'worker joined' && workerId === 'far');
      const journal = openJournalReader(home);
      const [record] = [...(journal?.trials('tiny') ?? [])];
      journal?.close();
      assert.deepEqual([record?.state, record?.attempts, record?.result?.testAccuracy], ['succeeded', 2, 0.125]);
      assert.deepEqual(checkDatabase(home)?.findings.map(describeFinding), []);
    });
  }
});
