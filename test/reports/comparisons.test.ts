import assert from 'node:assert/strict';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { compareCells } from '../../orchestrator/reports/comparisons.js';
import { failed, succeeded } from '../support/records.js';

const standard = (seed: number, testAccuracy: number) => succeeded({ model_type: 'standard', seed }, { testAccuracy });
const stepByStep = (seed: number, testAccuracy: number) =>
  succeeded({ model_type: 'task_prefix', seed }, { testAccuracy });

describe('comparisons with standard training', () => {
  it('pair by seed and take the spread of the differences', () => {
    const [found, ...others] = compareCells(
      foldCells([standard(0, 0.5), standard(1, 0.25), stepByStep(1, 0.75), stepByStep(0, 0.75)]),
    );
    assert.ok(found);
    assert.deepEqual(others, []);
    assert.deepEqual(found.pairs, [
      { seed: 0, difference: 0.25 },
      { seed: 1, difference: 0.5 },
    ]);
    assert.equal(found.difference.mean, 0.375);
    assert.ok(Math.abs((found.difference.sd ?? 0) - 0.25 / Math.SQRT2) < 1e-15);
  });

  it('leave out and name the seeds that only one side has a result for', () => {
    const [found] = compareCells(
      foldCells([standard(0, 0.5), standard(1, 0.5), stepByStep(0, 0.75), failed({ seed: 1 }), stepByStep(2, 0.75)]),
    );
    assert.deepEqual(
      found?.pairs.map(({ seed }) => seed),
      [0],
    );
    assert.deepEqual(found?.unpaired, [1, 2]);
  });

  it('compare each alpha and each teacher with the one standard cell that reads neither', () => {
    const found = compareCells(
      foldCells([standard(0, 0.5), succeeded({ alpha: 0.25 }), succeeded({ alpha: 0.75 }), succeeded({ llm: 'gpt' })]),
    );
    assert.deepEqual(
      found.map(({ candidate: { settings } }) => [settings.alpha, settings.llm]),
      [
        [0.25, 'palm'],
        [0.75, 'palm'],
        [0.5, 'gpt'],
      ],
    );
  });

  it('never mix the labels of two teachers', () => {
    const llm = (changes: object) => succeeded({ label_type: 'llm', ...changes });
    const found = compareCells(
      foldCells([
        llm({ model_type: 'standard', llm: 'palm' }),
        llm({ model_type: 'standard', llm: 'gpt' }),
        llm({ llm: 'palm' }),
        llm({ llm: 'gpt' }),
      ]),
    );
    assert.deepEqual(
      found.map((each) => [each.baseline.settings.llm, each.candidate.settings.llm]),
      [
        ['palm', 'palm'],
        ['gpt', 'gpt'],
      ],
    );
  });

  it('need all other settings to be equal', () => {
    assert.deepEqual(
      compareCells(foldCells([standard(0, 0.5), succeeded({ lr: 1 }), succeeded({ label_type: 'llm' })])),
      [],
    );
  });

  it('hold single-task against standard too, whatever a rule says of the length that it generates', () => {
    const singleTask = succeeded({ model_type: 'single_task', gen_max_len: 256 }, { testAccuracy: 0.25 });
    const found = compareCells(foldCells([standard(0, 0.5), stepByStep(0, 0.75), singleTask]));
    assert.deepEqual(
      found.map(({ baseline, candidate, difference }) => [
        baseline.settings.model_type,
        candidate.settings.model_type,
        difference.mean,
      ]),
      [
        ['standard', 'task_prefix', 0.25],
        ['standard', 'single_task', -0.25],
      ],
    );
  });

  it('hold step-by-step against what generates as many tokens alone', () => {
    assert.deepEqual(compareCells(foldCells([standard(0, 0.5), succeeded({ gen_max_len: 32 })])), []);
  });
});
