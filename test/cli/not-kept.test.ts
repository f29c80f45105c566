import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { planSpec } from '../../orchestrator/cli/plan/plan-spec.js';
import type { Trial } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { readSweepFile } from '../../orchestrator/sources/read-sweep-file.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { resultOf } from '../support/records.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

/** Trials of a sweep file, planned and written into the journal as done without training any. */
async function finishWithoutTraining(file: string, home: string): Promise<readonly Trial[]> {
  const { spec, directory } = await readSweepFile(file);
  const { trials, sweep } = await planSpec(spec, directory, { home, datasets: DATASETS });
  const journal = openJournal(home);
  journal.transaction(() => journal.submit(partOf(sweep, [], { trials }), 1_000));
  journal.transaction(() => {
    for (const { trialId } of trials) journal.finish(journal.begin(trialId, 'w', 2_000).lease, resultOf(), 3_000);
  });
  journal.close();
  return trials;
}

describe('what is asked to be kept of trials that are done', () => {
  it('is said to be missing, by plan and by sweep, until it is there', async () => {
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    const file = writeTinySweep(folder.path, { methods: ['standard'] });
    const trials = await finishWithoutTraining(file, home);
    const run = async (command: string) => {
      const { code, stderr } = await runDss([command, file], { env: { DSS_HOME: home, DSS_DATASETS: DATASETS } });
      assert.equal(code, 0, stderr);
      return stderr.split('\n').filter((line) => line.startsWith('not kept'));
    };
    assert.deepEqual(await run('plan'), []);

    writeTinySweep(folder.path, { methods: ['standard'], train: { keep: 'best', output_rationale: 'true' } });
    const both =
      'not kept, since the trials were already done: 2 models (keep), the rationales of 2 trials (output_rationale); ' +
      'another state folder (--home) runs them again';
    assert.deepEqual([await run('plan'), await run('sweep')], [[both], [both]]);

    for (const { trialId } of trials) {
      mkdirSync(join(home, 'trials', trialId, 'model'), { recursive: true });
      writeFileSync(join(home, 'trials', trialId, 'rationales.jsonl'), '');
    }
    assert.deepEqual(await run('plan'), []);
  });
});
