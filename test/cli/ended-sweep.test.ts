import assert from 'node:assert/strict';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Trial } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { runDss, startDss, temporaryFolder } from '../support/dss.js';
import { finishWithoutTraining } from '../support/finished-sweep.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

/** Step-by-step is better by ten points, and by a little more or less in each seed. */
const accuracyOf = ({ settings: { model_type, seed } }: Trial) =>
  model_type === 'standard' ? 0.5 : 0.6 + 0.01 * (seed % 3);

async function ended(
  options: Parameters<typeof finishWithoutTraining>[2] = { accuracyOf },
  methods = ['standard', 'task_prefix'],
) {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const file = writeTinySweep(folder.path, { methods, seeds: [0, 1, 2] });
  await finishWithoutTraining(file, home, options);
  const run = (...words: string[]) => runDss(words, { env: { DSS_HOME: home, DSS_DATASETS: DATASETS } });
  return { file, home, run, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe('a sweep that has ended', () => {
  it('records what its file has come to declare, and says when that was', async () => {
    using sweep = await ended();
    const { file, home, run } = sweep;
    const first = await run('sweep', file);
    assert.equal(first.code, 0, first.stderr);
    assert.doesNotMatch(first.stdout, /declared/);

    appendFileSync(file, 'compare: [{ model_type: [task_prefix, standard] }]\nrun: { priority: 3 }\n');
    const { code, stdout, stderr } = await run('sweep', file);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^family +model .*\n─.*\ndeclared /m);
    const journal = openJournal(home);
    const { options } = journal.sweep('tiny')?.standing ?? {};
    journal.close();
    assert.equal(options?.priority, 3);
    const again = await run('sweep', file, '--json');
    const { comparisons, endedBefore } = JSON.parse(again.stdout).declared;
    assert.deepEqual([comparisons, endedBefore], [1, 6]);
  });

  it('is told with how many comparisons p is corrected for, and that intervals are not', async () => {
    using sweep = await ended({ accuracyOf }, ['standard', 'task_prefix', 'single_task']);
    const { stdout } = await sweep.run('sweep', sweep.file);
    assert.match(stdout, /first % +second % +difference/);
    assert.match(stdout, / step-by-step against standard .* \+11\.00 ± 1\.00 .* yes: p 0\.0055 \(Holm, of 2\) by t$/m);
    assert.match(stdout, /^p is two-sided, and corrected by Holm .* Intervals are each for itself/m);
  });

  it('is told to have failed by its causes, each once', async () => {
    const failureOf = ({ settings: { model_type, seed } }: Trial) =>
      model_type === 'standard'
        ? null
        : {
            code: seed === 2 ? 'OUT_OF_MEMORY' : 'DATASET_INVALID',
            message: seed === 2 ? 'too large' : 'no inputs to explain',
            hint: 'leave it out',
            detail: '',
            kind: 'user' as const,
          };
    using sweep = await ended({ failureOf });
    const { code, stderr } = await sweep.run('sweep', sweep.file);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /failed: 3 trials, of 2 causes\n {2}2 trials: DATASET_INVALID: no inputs to explain\n {4}leave it out\n {4}[0-9a-f]{8} and [0-9a-f]{8}\n {2}OUT_OF_MEMORY: too large\n {4}leave it out\n {4}[0-9a-f]{8}\n/,
    );
  });

  it('has its report, and its status, also where nobody reads the table', async () => {
    const failureOf = ({ settings: { seed } }: Trial) =>
      seed === 2 ? { code: 'OUT_OF_MEMORY', message: 'too large', hint: '', detail: '', kind: 'user' as const } : null;
    using sweep = await ended({ failureOf });
    const dss = startDss(['sweep', sweep.file], { env: { DSS_HOME: sweep.home, DSS_DATASETS: DATASETS } });
    dss.process.stdout?.destroy(); // as `| head -1` does
    const { code, stderr } = await dss.finished;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /failed: 2 trials/);
    assert.ok(existsSync(join(sweep.home, 'reports', 'tiny', 'report.html')));
  });

  it('is left as it is by pause and resume', async () => {
    using sweep = await ended();
    for (const word of ['pause', 'resume']) {
      const { code, stdout } = await sweep.run(word, 'tiny');
      assert.deepEqual([code, stdout], [0, 'tiny: nothing of it waits or runs; `dss status tiny` says how it ended\n']);
    }
    assert.deepEqual(JSON.parse((await sweep.run('pause', 'tiny', '--json')).stdout), {
      sweep: 'tiny',
      state: 'active',
    });
  });
});
