import assert from 'node:assert/strict';
import { planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { RealAgent } from '../support/real-agent.js';
import { type TinySweep, writeTinySweep } from '../support/tiny-sweep.js';

const NORMAL = { retryFailed: false };

describe('a worker with two slots', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let agents: RealAgent[];
  beforeEach(() => {
    folder = temporaryFolder();
    agents = [];
  });
  afterEach(async () => {
    for (const agent of agents) agent.signal('SIGKILL');
    await Promise.all(agents.map(({ ended }) => ended));
    folder[Symbol.dispose]();
  });

  const planned = async (sweep: TinySweep): Promise<readonly Trial[]> => {
    const { spec, directory } = await readSweepFile(writeTinySweep(folder.path, sweep));
    const { trials, rejected } = await planSpec(spec, directory, { home: folder.path, datasets: undefined });
    assert.deepEqual(rejected, []);
    return trials;
  };

  const join = (test: TestPlane, slots: number): RealAgent => {
    const agent = new RealAgent(`of-${slots}`, test.plane, [], { DSS_WORKER_SLOTS: String(slots) });
    agents.push(agent);
    return agent;
  };

  /** Each loss and each answer of a sweep that has ended. */
  const measured = async ({ client }: TestPlane, sweep: string) => {
    const all = [];
    for await (const each of client.measurements(sweep)) all.push(each);
    return all.toSorted((a, b) => a.trialId.localeCompare(b.trialId));
  };

  const stateOf = async ({ client }: TestPlane, trial: Trial | undefined) =>
    (await client.trial(trial?.trialId ?? '')).state;

  it('trains two trials side by side, each to the result that it has alone', async () => {
    const few = await planned({ seeds: [0, 1], train: { checkpoint_steps: 5 } });
    const [long] = await planned({ name: 'long', methods: ['standard'], seeds: [9], maxSteps: 1_000_000 });
    assert.ok(long);

    await using alone = await TestPlane.start();
    const one = join(alone, 1);
    await alone.client.submit('tiny', few, NORMAL);
    await alone.watched('tiny');
    one.signal('SIGKILL');

    await using test = await TestPlane.start();
    join(test, 2);
    await test.client.submit('long', [long], NORMAL);
    const leave = new AbortController();
    for await (const event of test.client.watch('long', leave.signal)) {
      if (event.kind === 'worker' && event.worker.running.some(({ step }) => step >= 1)) leave.abort();
    }
    // It would have to end first where there is no second slot.
    await test.client.submit('tiny', few, NORMAL);
    await test.watched('tiny');
    assert.equal(await stateOf(test, long), 'running');
    for (const trial of few) assert.equal(await stateOf(test, trial), 'succeeded');
    assert.deepEqual(await measured(test, 'tiny'), await measured(alone, 'tiny'), 'to the last bit');
    assert.equal(await test.client.cancel('long'), 1);
  });
});
