/** A sweep as TensorBoard's folders, read back by TensorBoard's own reader. */
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../../orchestrator/cli/python.js';
import { sampleOf } from '../../orchestrator/core/statistics/sample.js';
import { cellIdOf } from '../../orchestrator/tracking/tracked.js';
import { runDss, startDss, temporaryFolder } from '../support/dss.js';
import { askScript } from '../support/python-tools.js';
import { accuracyOf, FAILED, measuredBy, rerun, SWEEP, TRIALS, writeTrackedSweep } from './support/tracked-sweep.js';

interface ReadFolder {
  readonly scalars: Readonly<Record<string, readonly (readonly [number, string])[]>>;
  readonly group: string | null;
  readonly hparams: Readonly<Record<string, string | number>>;
}

describe('a sweep in TensorBoard', () => {
  const folder = temporaryFolder();
  after(() => folder[Symbol.dispose]());

  const write = (home: string, logs: string) => runDss(['tracking', 'tensorboard', SWEEP, logs, '--home', home]);
  const read = (logs: string) =>
    askScript(findPython(), new URL('./support/read_tensorboard.py', import.meta.url), [logs]) as Readonly<
      Record<string, ReadFolder>
    >;
  const cellOf = (place: number) => {
    const settings = TRIALS[place]?.settings;
    assert.ok(settings !== undefined);
    return `t-ny-cqa-gt-${settings.model_type}-${cellIdOf(settings).slice(0, 6)}`;
  };
  const folderOf = (place: number) => `${cellOf(place)}/seed-${TRIALS[place]?.settings.seed}`;
  const steps = (points: readonly (readonly [number, string])[] | undefined) => points?.map(([step]) => step);
  /** TensorBoard's numbers are 32-bit floats. */
  const near = (
    points: readonly (readonly [number, string])[] | undefined,
    wanted: readonly (readonly [number, number])[],
  ) =>
    assert.deepEqual(
      points?.map(([step, value]) => [step, value === 'nan' ? NaN : Math.fround(Number(value))]),
      wanted.map(([step, value]) => [step, Math.fround(value)]),
    );

  it('has a folder per trial with every number', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path);
    const logs = join(folder.path, 'whole');
    const { code, stdout, stderr } = await write(home.path, logs);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `6 of 6 trials in ${logs} (tensorboard --logdir ${logs})\n`);
    const runs = read(logs);
    for (const [place, { settings }] of TRIALS.entries()) {
      const run = runs[folderOf(place)];
      const { training, evaluations } = measuredBy(place);
      near(
        run?.scalars['train/loss'],
        training.map(({ step, loss }) => [step, loss]),
      );
      near(run?.scalars['train/learning_rate'], [
        [50, 2.5e-5],
        [100, 0],
      ]);
      const valid = evaluations.filter(({ split }) => split === 'valid');
      near(
        run?.scalars['eval/accuracy'],
        valid.map(({ step, accuracy }) => [step, accuracy]),
      );
      near(
        run?.scalars['eval/choice_accuracy'],
        valid.map(({ step, choiceAccuracy }) => [step, choiceAccuracy ?? 0]),
      );
      if (place === FAILED) assert.equal(run?.scalars['test_accuracy'], undefined);
      else near(run?.scalars['test_accuracy'], [[100, accuracyOf(place)]]);
      assert.equal(run?.group, cellIdOf(settings));
      assert.equal(run?.hparams['model'], 'models/tïny');
      assert.equal(run?.hparams['lr'], 5e-5);
      assert.equal(run?.hparams['seed'], undefined);
    }
  });

  it('has mean and mean ± sample standard deviation of each cell as folders', () => {
    const runs = read(join(folder.path, 'whole'));
    const { mean, sd } = sampleOf([0, 1, 2].map(accuracyOf));
    const at = (name: string) => runs[`${cellOf(0)}/${name}`]?.scalars['test/accuracy'];
    assert.ok(mean !== null && sd !== null);
    near(at('mean'), [[100, mean]]);
    near(at('mean-minus-deviation'), [[100, mean - sd]]);
    near(at('mean-plus-deviation'), [[100, mean + sd]]);
    // Of the other cell one seed has failed: its curve is that of the two which succeeded.
    near(runs[`${cellOf(3)}/mean`]?.scalars['test/accuracy'], [[100, (accuracyOf(3) + accuracyOf(4)) / 2]]);
  });

  it('is written once; a folder that was removed is written again, and what else lies there stays', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path);
    const logs = join(folder.path, 'once');
    await write(home.path, logs);
    const files = () =>
      readdirSync(logs, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.includes('tfevents'))
        .map((file) => `${file} ${statSync(join(logs, file)).mtimeMs}`)
        .sort();
    const before = files();
    assert.equal((await write(home.path, logs)).code, 0);
    assert.deepEqual(files(), before);
    rmSync(join(logs, folderOf(1)), { recursive: true });
    appendFileSync(join(logs, folderOf(0), 'events.out.tfevents.1.somebody'), '');
    rerun(home.path, 0, 0.9);
    assert.equal((await write(home.path, logs)).code, 0);
    const runs = read(logs);
    near(runs[folderOf(1)]?.scalars['test_accuracy'], [[100, accuracyOf(1)]]);
    near(runs[folderOf(0)]?.scalars['test_accuracy'], [[100, 0.9]]);
    assert.deepEqual(steps(runs[folderOf(0)]?.scalars['train/loss']), [50]);
    assert.ok(readdirSync(join(logs, folderOf(0))).includes('events.out.tfevents.1.somebody'));
  });

  it('grows while trials run, and is complete when its sweep has ended', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 1);
    const logs = join(folder.path, 'grows');
    const following = startDss(['tracking', 'tensorboard', SWEEP, logs, '--follow', '--home', home.path]);
    const seen = async (wanted: string) => {
      for (;;) {
        const found = JSON.stringify(steps(read(logs)[folderOf(1)]?.scalars['train/loss']));
        if (found === wanted) return;
        await Promise.race([
          new Promise((resolve) => setTimeout(resolve, 100)),
          following.finished.then(({ stderr }) => assert.fail(`it ended: ${stderr}`)),
        ]);
      }
    };
    try {
      await seen('[50]');
      writeTrackedSweep(home.path);
      const { code, stdout } = await following.finished;
      assert.equal(code, 0);
      assert.match(stdout, /^6 of 6 trials/);
    } finally {
      following.process.kill('SIGKILL');
    }
    assert.deepEqual(steps(read(logs)[folderOf(1)]?.scalars['train/loss']), [50, 100]);
  });

  it('says which package is missing, and how it is installed', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 1);
    const { code, stderr } = await runDss(
      ['tracking', 'tensorboard', SWEEP, join(folder.path, 'x'), '--home', home.path],
      {
        env: { DSS_PYTHON: 'python3' },
      },
    );
    assert.equal(code, 2);
    assert.equal(
      stderr,
      "error: TensorBoard's folders need its package: No module named 'tensorboard'\n  python3 -m pip install tensorboard\n",
    );
  });

  it('says where it cannot be written', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 1);
    const file = join(folder.path, 'a-file');
    appendFileSync(file, '');
    const { code, stderr } = await write(home.path, file);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: \S+a-file cannot be written: (?:Not a directory|File exists)\n {2}name another folder/,
    );
  });
});
