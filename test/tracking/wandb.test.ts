/** A sweep as offline runs of W&B, written by its package and read back by its messages. Nothing is sent anywhere. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runDss, temporaryFolder } from '../support/dss.js';
import { askScript, toolEnvironment } from '../support/python-tools.js';
import { accuracyOf, FAILED, measuredBy, rerun, SWEEP, TRIALS, writeTrackedSweep } from './support/tracked-sweep.js';

interface ReadRun {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly project: string;
  readonly exit: number;
  readonly config: Readonly<Record<string, string | number>>;
  /** Values as JSON. */
  readonly history: readonly Readonly<Record<string, string>>[];
}

describe('a sweep in W&B', () => {
  const folder = temporaryFolder();
  const home = temporaryFolder();
  let python: string;

  before(function () {
    python = join(toolEnvironment(this, 'wandb'), 'python');
    writeTrackedSweep(home.path);
  });
  after(() => {
    folder[Symbol.dispose]();
    home[Symbol.dispose]();
  });

  const write = () =>
    runDss(['tracking', 'wandb', SWEEP, folder.path, '--home', home.path], {
      // A proxy that is not there: whatever would be sent, fails.
      env: { DSS_PYTHON: python, HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' },
    });
  const read = () =>
    askScript(python, new URL('./support/read_wandb.py', import.meta.url), [folder.path]) as readonly ReadRun[];

  it('is an offline run per trial, in a group per cell, with every number', async () => {
    const { code, stdout, stderr } = await write();
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `6 of 6 trials in ${folder.path}/wandb\n`);
    const runs = read();
    assert.equal(runs.length, TRIALS.length);
    for (const [place, { trialId, settings }] of TRIALS.entries()) {
      const run = runs.find(({ id }) => id === trialId);
      assert.deepEqual(
        [run?.project, run?.group, run?.name, run?.exit],
        [SWEEP, `tïny cqa gt ${settings.model_type}`, `seed ${settings.seed}`, place === FAILED ? 1 : 0],
      );
      assert.deepEqual(
        [run?.config['seed'], run?.config['model'], run?.config['lr']],
        [settings.seed, 'models/tïny', 5e-5],
      );
      const losses = run?.history.flatMap((row) =>
        row['train/loss'] === undefined ? [] : [[row['_step'], row['train/loss']]],
      );
      assert.deepEqual(
        losses,
        measuredBy(place).training.map(({ step, loss }) => [String(step), String(loss)]),
      );
      const last = run?.history.at(-1);
      assert.equal(last?.['test_accuracy'], place === FAILED ? undefined : String(accuracyOf(place)));
    }
  });

  it('is written once, and anew where a trial was run again', async () => {
    const before = read();
    assert.equal((await write()).code, 0);
    assert.deepEqual(read(), before);
    rerun(home.path, 0, 0.9);
    assert.equal((await write()).code, 0);
    const runs = read();
    assert.equal(runs.length, TRIALS.length);
    assert.equal(runs.find(({ id }) => id === TRIALS[0]?.trialId)?.history.at(-1)?.['test_accuracy'], '0.9');
  });
});
