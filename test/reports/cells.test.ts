import assert from 'node:assert/strict';
import { cellIntervals } from '../../orchestrator/reports/cell-intervals.js';
import { foldCells, missingSeeds, shownSettings } from '../../orchestrator/reports/cells.js';
import { summaryValue } from '../../orchestrator/reports/summary-json.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { cellTable } from '../../orchestrator/reports/tables.js';
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

  it('put no two seeds together that ran in environments that do not compare', () => {
    const on = (device_name: string, threads = '1') => ({ environment: { device_name, threads, host: device_name } });
    const [alike, ...apart] = foldCells([
      succeeded({ seed: 0 }, on('A100')),
      succeeded({ seed: 1 }, on('A100')),
      succeeded({ seed: 0, lr: 1 }, on('A100')),
      succeeded({ seed: 1, lr: 1 }, on('H100', '2')),
      queued({ seed: 2, lr: 1 }),
    ]);
    assert.deepEqual([alike?.environmentText, alike?.accuracy.n], ['A100', 2]);
    assert.deepEqual(
      apart.map(({ environmentText, seeds }) => [environmentText, seeds.map(({ seed }) => seed)]),
      [
        ['A100', [0, 2]],
        ['H100', [1]],
      ],
    );
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
      succeeded({ seed: 3 }, { testAccuracy: 0.5, choiceAccuracy: Number.NaN }),
    ]);
    assert.deepEqual([cell?.accuracy.n, cell?.accuracy.mean], [4, 0.5]);
    assert.deepEqual([cell?.choiceAccuracy.n, cell?.choiceAccuracy.mean], [2, 0.5]);
  });
});

describe("intervals of a cell's mean", () => {
  const recordsOf = (count: number) =>
    Array.from({ length: count }, (_, seed) => succeeded({ seed }, { testAccuracy: 0.5 + seed ** 2 / 1_000 }));

  it('are by t from two seeds on, and by the bootstrap from ten', () => {
    const of = (count: number) => [...cellIntervals(foldCells(recordsOf(count))).values()][0];
    assert.deepEqual(of(1), { byT: null, byBootstrap: null });
    assert.ok(of(9)?.byT !== null && of(9)?.byBootstrap === null);
    const { byT, byBootstrap } = of(10) ?? {};
    assert.ok(byT && byBootstrap);
    // The values lean upward, which t does not see.
    assert.ok(byBootstrap.low > byT.low && byBootstrap.high - byBootstrap.low < byT.high - byT.low);
  });

  it('stand in the summary, and in the tables of documents', () => {
    const report = foldSweep('s', recordsOf(10), []);
    const [{ interval_95: byT, bootstrap_interval_95: byBootstrap } = {}] = summaryValue(report)['cells'] as Record<
      string,
      unknown
    >[];
    assert.ok(byT && byBootstrap);
    const titles = cellTable(report, true).columns.map(({ title }) => title);
    assert.ok(titles.includes('95 % interval') && titles.includes('by bootstrap'), titles.join());
    assert.ok(!cellTable(report).columns.some(({ title }) => title === '95 % interval'));
  });
});
