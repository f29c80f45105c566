import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDss, temporaryFolder } from '../support/dss.js';
import { finishWithoutTraining } from '../support/finished-sweep.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

describe('what is asked to be kept of trials that are done', () => {
  it('is said to be missing, by plan and by sweep, until it is there', async () => {
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    const file = writeTinySweep(folder.path);
    const trials = await finishWithoutTraining(file, home);
    const run = async (command: string) => {
      const { code, stderr } = await runDss([command, file], { env: { DSS_HOME: home, DSS_DATASETS: DATASETS } });
      assert.equal(code, 0, stderr);
      return stderr.split('\n').filter((line) => line.startsWith('not kept'));
    };
    assert.deepEqual(await run('plan'), []);

    writeTinySweep(folder.path, { train: { keep: 'best', output_rationale: 'true' } });
    // Of standard and step-by-step; only the latter explains.
    const both =
      'not kept, since the trials were already done: 4 models (keep), the rationales of 2 trials (output_rationale); ' +
      '`--rerun` of `dss sweep` and `dss run` trains them again';
    assert.deepEqual([await run('plan'), await run('sweep')], [[both], [both]]);

    for (const { trialId } of trials) {
      mkdirSync(join(home, 'trials', trialId, 'model'), { recursive: true });
      writeFileSync(join(home, 'trials', trialId, 'rationales.jsonl'), '');
    }
    assert.deepEqual(await run('plan'), []);

    // The cards of two of the four, as the worker writes them for `keep: best`.
    for (const { trialId } of trials.slice(0, 2)) {
      const card = join(home, 'trials', trialId, 'model', 'README.md');
      writeFileSync(card, '# a model\n\nThe weights are those of step 3, chosen by valid accuracy.\n');
    }
    assert.deepEqual(await run('plan'), []);
    writeTinySweep(folder.path, { train: { keep: 'last', output_rationale: 'true' } });
    assert.deepEqual(await run('plan'), [
      'not kept, since the trials were already done: 2 models of the step that is asked for (keep); ' +
        '`--rerun` of `dss sweep` and `dss run` trains them again',
    ]);
  });
});
