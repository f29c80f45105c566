import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { type RunningDss, runDss, startDss, temporaryFolder } from '../support/dss.js';
import { isAlive, workersBelow } from '../support/processes.js';
import { DATASETS, historyOf, writeTinySweep } from '../support/tiny-sweep.js';
import { until } from '../support/until.js';

describe('a sweep that something is killed under', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let file: string;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = temporaryFolder();
    // Long enough to be in the middle of it, short enough to be done twice.
    file = writeTinySweep(folder.path, { seeds: [0, 1], maxSteps: 60, train: { eval_steps: 30 } });
    env = { DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
  });

  afterEach(() => folder[Symbol.dispose]());

  const start = () => startDss(['sweep', file, '--workers', '1'], { env });

  /** When a trial has been finished, so that another one is under way. */
  const midway = (dss: RunningDss) => dss.lineOnStderr((line) => line.includes('[1/4] done'));

  const only = async (find: () => readonly number[]): Promise<number> => {
    let pid: number | undefined;
    await until(() => {
      [pid] = find();
      return pid !== undefined;
    });
    return pid as number;
  };

  async function checkComplete(): Promise<void> {
    const { stdout } = await runDss(['results', 'tiny', '--json'], { env });
    const results = JSON.parse(stdout) as { id: string; state: string }[];
    assert.equal(new Set(results.map(({ id }) => id)).size, 4);
    assert.deepEqual(new Set(results.map(({ state }) => state)), new Set(['succeeded']));
    const history = historyOf(env['DSS_HOME'] ?? '');
    assert.deepEqual(
      [...history.values()].map(({ succeeded }) => succeeded),
      [1, 1, 1, 1],
    );
  }

  it('goes on in the same command when a training child is killed', async () => {
    const dss = start();
    await midway(dss);
    const child = await only(() => workersBelow(dss.pid).children);
    process.kill(child, 'SIGKILL');
    const { code, stderr } = await dss.finished;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /again .*signal 9/);
    await checkComplete();
  });

  it('goes on in the same command when an agent is killed, and the agent takes its child along', async () => {
    const dss = start();
    await midway(dss);
    const child = await only(() => workersBelow(dss.pid).children);
    process.kill(await only(() => workersBelow(dss.pid).agents), 'SIGKILL');
    const { code, stderr } = await dss.finished;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /again .*WORKER_EXITED/);
    assert.equal(isAlive(child), false);
    await checkComplete();
  });

  it('goes on with the same command when the control plane is killed, and leaves no worker behind', async () => {
    const dss = start();
    await midway(dss);
    const { agents, children } = workersBelow(dss.pid);
    process.kill(dss.pid, 'SIGKILL');
    await dss.finished;
    await until(() => ![...agents, ...children].some(isAlive));
    const { code, stdout, stderr } = await runDss(['sweep', file, '--workers', '1'], { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /4 distinct → [123] already done → [123] to run/);
    await checkComplete();
  });

  it('drains on Ctrl-C with exit code 130, and the same command goes on', async () => {
    const dss = start();
    await midway(dss);
    process.kill(dss.pid, 'SIGINT');
    const stopped = await dss.finished;
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /stopping: running trials have until/);
    assert.match(stopped.stderr, /the same command goes on where this one ended/);
    const { code, stdout } = await runDss(['sweep', file, '--workers', '1'], { env });
    assert.equal(code, 0);
    assert.match(stdout, /4 distinct → [1234] already done/);
    await checkComplete();
  });

  describe('in the middle of a long trial', () => {
    const startLong = () => {
      const train = { eval_steps: 150, checkpoint_steps: 20 };
      const long = writeTinySweep(folder.path, { methods: ['standard'], seeds: [0], maxSteps: 300, train });
      return startDss(['sweep', long, '--workers', '1'], { env });
    };

    const checkpointed = async () => {
      const trials = join(env['DSS_HOME'] ?? '', 'trials');
      const inside = (path: string) => (existsSync(path) ? readdirSync(path) : []);
      const found = () => inside(trials).flatMap((trialId) => inside(join(trials, trialId, 'checkpoints')));
      await until(() => found().some((name) => /^step-\d+$/.test(name)));
    };

    const checkResumed = () => {
      const journal = openJournal(env['DSS_HOME'] ?? '');
      const [record] = [...journal.trials('tiny')];
      journal.close();
      assert.equal(record?.attempts, 2);
      assert.ok((record.result?.resumedStep ?? 0) >= 20, JSON.stringify(record.result));
      return record;
    };

    it('goes on from its checkpoint when its training child is killed', async () => {
      const dss = startLong();
      await checkpointed();
      process.kill(await only(() => workersBelow(dss.pid).children), 'SIGKILL');
      const { code, stderr } = await dss.finished;
      assert.equal(code, 0, stderr);
      checkResumed();
    });

    it('goes on after Ctrl-C where it was stopped, which was no failure', async () => {
      const dss = startLong();
      await checkpointed();
      process.kill(dss.pid, 'SIGINT');
      assert.equal((await dss.finished).code, 130);
      const { code, stderr } = await startLong().finished;
      assert.equal(code, 0, stderr);
      assert.equal(checkResumed().failure, null);
    });
  });

  it('stops at once on a second Ctrl-C, and leaves no worker behind', async () => {
    const dss = start();
    await midway(dss);
    const { agents, children } = workersBelow(dss.pid);
    process.kill(dss.pid, 'SIGINT');
    await dss.lineOnStderr((line) => line.includes('again to stop at once'));
    process.kill(dss.pid, 'SIGINT');
    assert.equal((await dss.finished).code, 130);
    await until(() => ![...agents, ...children].some(isAlive));
    assert.equal((await runDss(['sweep', file, '--workers', '1'], { env })).code, 0);
    await checkComplete();
  });

  it('holds its state folder: a second one says who does, with exit code 75', async () => {
    const dss = start();
    await midway(dss);
    // Stopped, it cannot end before the second one has looked.
    process.kill(dss.pid, 'SIGSTOP');
    const second = await runDss(['sweep', file], { env });
    process.kill(dss.pid, 'SIGCONT');
    assert.equal(second.code, 75, second.stderr);
    assert.ok(second.stderr.includes(`pid ${dss.pid}`), second.stderr);
    assert.equal((await dss.finished).code, 0);
    assert.equal(existsSync(join(env['DSS_HOME'] ?? '', 'control.json')), false);
    await checkComplete();
  });
});
