import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalise } from '../../../orchestrator/core/sweep/canonicalise.js';
import { expandGrid } from '../../../orchestrator/core/sweep/grid.js';
import { parseSweepValue } from '../../../orchestrator/core/sweep/sweep-spec.js';
import { REPOSITORY } from '../../support/dss.js';
import { datasetFactsOf, modelFactsOf } from '../../support/sources.js';

describe('docs/sweep-file.md', () => {
  it('says how many tokens each method generates, where nobody says it', () => {
    const text = readFileSync(join(REPOSITORY, 'docs/sweep-file.md'), 'utf8');
    const row = text.split('\n').find((line) => line.includes('`gen_max_len` |')) ?? '';
    const grid = { models: ['m'], datasets: ['cqa'], model_type: ['standard', 'task_prefix', 'single_task'] };
    const lengths = [...expandGrid(parseSweepValue({ sweep: 'a', grid }, ''))].map(
      (cell) => canonicalise(cell, modelFactsOf(), datasetFactsOf()).settings.gen_max_len,
    );
    const [standard, stepByStep, single] = lengths;
    assert.equal(standard, stepByStep);
    assert.match(row, new RegExp(`\\| 1024, ${standard} \\| .*, which are always ${single} under \`single_task\``));
  });
});
