import assert from 'node:assert/strict';
import { planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import type { RunOptions, Trial } from '../../orchestrator/core/domain.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { RealAgent } from '../support/real-agent.js';
import { type TinySweep, writeTinySweep } from '../support/tiny-sweep.js';

const SHORT_LEASE = { leaseMs: 4_000, renewEveryMs: 500 } as const;

describe('a trial that several workers have together', () => {
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

  /** Without dropout, whose draws are a layout's own. */
  const plannedTrial = async (run: Partial<RunOptions>, sweep: TinySweep): Promise<Trial> => {
    const file = writeTinySweep(folder.path, { methods: ['task_prefix'], seeds: [0], ...sweep });
    const { spec, directory } = await readSweepFile(file);
    const plan = await planSpec(spec, directory, { home: folder.path, datasets: undefined });
    const [trial] = plan.trials;
    assert.ok(trial, JSON.stringify(plan.rejected));
    return { ...trial, run: { ...trial.run, ...run } };
  };

  const join = (plane: TestPlane, name: string): RealAgent => {
    const agent = new RealAgent(name, plane.plane);
    agents.push(agent);
    return agent;
  };

  const resultOf = async (plane: TestPlane, trial: Trial) => {
    await plane.client.submit('tiny', [trial], { retryFailed: false });
    await plane.watched('tiny');
    const record = await plane.client.trial(trial.trialId);
    assert.equal(record.state, 'succeeded', JSON.stringify(record.failure));
    return record;
  };

  it('ends as it ends on one worker', async () => {
    const sweep: TinySweep = { maxSteps: 12, train: { eval_steps: 6, dropout: 0 } };
    await using alone = await TestPlane.start();
    join(alone, 'alone');
    const expected = (await resultOf(alone, await plannedTrial({}, sweep))).result;
    await using together = await TestPlane.start();
    for (const name of ['first', 'second']) join(together, name);
    const { result } = await resultOf(together, await plannedTrial({ machines: 2, minMachines: 2 }, sweep));
    assert.equal(result?.environment['processes'], '2');
    assert.deepEqual(
      [result?.testAccuracy, result?.selectedStep, result?.testRows],
      [expected?.testAccuracy, expected?.selectedStep, expected?.testRows],
    );
  });

  /** Two workers are past a checkpoint when the second is killed. Gives the trial as it ends. */
  const losingOne = async (plane: TestPlane, run: Partial<RunOptions>, then: () => void) => {
    const sweep: TinySweep = { maxSteps: 120, train: { eval_steps: 60, checkpoint_steps: 10, dropout: 0 } };
    const [, second] = ['first', 'second'].map((name) => join(plane, name));
    const trial = await plannedTrial({ machines: 2, ...run }, sweep);
    await plane.client.submit('tiny', [trial], { retryFailed: false });
    const leave = new AbortController();
    for await (const event of plane.client.watch('tiny', leave.signal)) {
      if (event.kind === 'worker' && event.worker.running.some(({ step }) => step >= 15)) leave.abort();
    }
    second?.signal('SIGKILL');
    then();
    await plane.watched('tiny');
    const record = await plane.client.trial(trial.trialId);
    assert.equal(record.state, 'succeeded', JSON.stringify(record.failure));
    assert.ok(record.attempts >= 2);
    assert.ok((record.result?.resumedStep ?? 0) >= 10);
    return record.result?.environment;
  };

  it('goes on from its checkpoint with another worker when one of them is killed', async () => {
    await using plane = await TestPlane.start(SHORT_LEASE);
    const environment = await losingOne(plane, { minMachines: 2 }, () => join(plane, 'third'));
    assert.equal(environment?.['processes'], '2');
  });

  it('goes on from its checkpoint with the worker that is left when one is killed for good, where it may', async () => {
    await using plane = await TestPlane.start(SHORT_LEASE);
    const environment = await losingOne(plane, { minMachines: 1 }, () => {});
    assert.equal(environment?.['processes'], undefined);
  });
});
