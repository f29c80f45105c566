import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPython } from '../../orchestrator/cli/python.js';
import { REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { historyOf } from '../support/tiny-sweep.js';

const DATASETS = process.env['DSS_TEST_DATASETS'] ?? join(REPOSITORY, '../shared/datasets');
const REFERENCE = process.env['DSS_TEST_REFERENCE'] ?? join(REPOSITORY, '../shared/reference');

describe('a sweep over real datasets', () => {
  it('runs cqa and svamp, gold and teacher labels, both methods and two seeds: 16 trials, once each', async function () {
    const makeModel = join(REFERENCE, 'make_model.py');
    if (!existsSync(join(DATASETS, 'cqa')) || !existsSync(makeModel)) {
      console.warn(`      NOT TESTED on real data: ${DATASETS} or ${makeModel} is not there`);
      this.skip();
    }
    using folder = temporaryFolder();
    const model = join(folder.path, 'tiny-t5');
    await promisify(execFile)(findPython(), [makeModel, '--size', 'tiny', '--data', DATASETS, '--out', model]);
    const file = join(folder.path, 'real.yaml');
    writeFileSync(
      file,
      `sweep: real
grid:
  models: [./tiny-t5]
  datasets: [cqa, svamp]
  label_type: [gt, llm]
  model_type: [standard, task_prefix]
  seeds: [0, 1]
train: { max_steps: 40, eval_steps: 40, batch_size: 16 }
`,
    );
    const env = { DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
    const first = await runDss(['sweep', file], { env });
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /16 requested → 16 distinct → 0 already done → 16 to run/);
    assert.match(first.stdout, /16 of 16 trials done/);
    // The teacher's own accuracy stands beside the students'.
    assert.match(first.stdout, /cqa +palm +train +9741 +74\.26/);
    assert.match(first.stdout, /svamp +palm +test +200 +74\.00/);
    const history = historyOf(env.DSS_HOME);
    assert.deepEqual(
      [...history.values()].map(({ begun, succeeded }) => [begun, succeeded]),
      Array(16).fill([1, 1]),
    );
    const second = await runDss(['sweep', file], { env });
    assert.equal(second.code, 0, second.stderr);
    assert.match(second.stdout, /16 already done → 0 to run/);
  });
});
