import assert from 'node:assert/strict';
import { foldCells, missingSeeds, shownSettings } from '../../orchestrator/reports/cells.js';
import { failed, queued, succeeded } from '../support/records.js';

describe('cells', () => {
  it('put together the trials that differ in their seed alone', () => {
    const cells = foldCells([
      succeeded({ seed: 0 }, { testAccuracy: 0.5 }),
      succeeded({ seed: 0, dataset: 'svamp' }, { testAccuracy: 0.1 }),
      succeeded({ seed: 1 }, { testAccuracy: 0.75 }),
    ]);
    assert.deepEqual(
      cells.map(({ settings, accuracy }) => [settings.dataset, accuracy.n, accuracy.mean]),
      [
        ['cqa', 2, 0.625],
        ['svamp', 1, 0.1],
      ],
    );
  });

  it('keep seeds without a result, outside the mean and in sight', () => {
    const [cell] = foldCells([succeeded({ seed: 0 }, { testAccuracy: 0.5 }), failed({ seed: 1 }), queued({ seed: 2 })]);
    assert.ok(cell);
    assert.deepEqual([cell.accuracy.n, cell.accuracy.mean, cell.seeds.length], [1, 0.5, 3]);
    assert.deepEqual(
      missingSeeds(cell).map(({ seed, state }) => [seed, state]),
      [
        [1, 'failed'],
        [2, 'queued'],
      ],
    );
  });

  it('forget the failure of an attempt that a later one made good', () => {
    const record = { ...succeeded({}), failure: failed({}).failure };
    assert.equal(foldCells([record])[0]?.seeds[0]?.failure, null);
  });

  it('show the settings that name them and those that differ, and no others', () => {
    const cells = foldCells([succeeded({ subsample: 0.5 }), succeeded({ subsample: 1 })]);
    assert.deepEqual(shownSettings(cells), ['model', 'dataset', 'label_type', 'model_type', 'subsample']);
  });

  it('do not show a setting that differs only in being absent', () => {
    const cells = foldCells([succeeded({ model_type: 'standard' }), succeeded({ model_type: 'task_prefix' })]);
    assert.deepEqual(shownSettings(cells), ['model', 'dataset', 'label_type', 'model_type']);
  });

  it('do not show a length of generation that a rule has set', () => {
    const ruled = foldCells([succeeded({}), succeeded({ model_type: 'single_task', gen_max_len: 256 })]);
    assert.ok(!shownSettings(ruled).includes('gen_max_len'));
    const chosen = foldCells([succeeded({}), succeeded({ gen_max_len: 32 })]);
    assert.ok(shownSettings(chosen).includes('gen_max_len'));
  });

  it('say which of their seeds ran in environments that do not compare', () => {
    const on = (device_name: string, threads = '1') => ({ environment: { device_name, threads, host: device_name } });
    const [alike, mixed] = foldCells([
      succeeded({ seed: 0 }, on('A100')),
      succeeded({ seed: 1 }, on('A100')),
      succeeded({ seed: 0, lr: 1 }, on('A100')),
      succeeded({ seed: 1, lr: 1 }, on('H100', '2')),
      queued({ seed: 2, lr: 1 }),
    ]);
    assert.deepEqual(alike?.mixedEnvironment, {});
    assert.deepEqual(mixed?.mixedEnvironment, { device_name: ['A100', 'H100'], threads: ['1', '2'] });
  });

  it('do not put together what has the same number of rows a step in another way', () => {
    const batches = foldCells([succeeded({ batch_size: 8, grad_steps: 2 }), succeeded({ batch_size: 16, seed: 1 })]);
    assert.equal(batches.length, 2);
  });

  it('keep choice accuracy apart from accuracy, over the seeds that have it', () => {
    const [cell] = foldCells([
      succeeded({ seed: 0 }, { testAccuracy: 0.5, choiceAccuracy: 0.75 }),
      succeeded({ seed: 1 }, { testAccuracy: 0.5, choiceAccuracy: 0.25 }),
      succeeded({ seed: 2 }, { testAccuracy: 0.5, choiceAccuracy: null }),
    ]);
    assert.deepEqual([cell?.accuracy.n, cell?.accuracy.mean], [3, 0.5]);
    assert.deepEqual([cell?.choiceAccuracy.n, cell?.choiceAccuracy.mean], [2, 0.5]);
  });
});
