import assert from 'node:assert/strict';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { macroAverages } from '../../orchestrator/reports/macro-average.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { failed, succeeded } from '../support/records.js';

const of = (dataset: string, accuracies: readonly number[]) =>
  accuracies.map((testAccuracy, seed) => succeeded({ dataset, seed }, { testAccuracy, testRows: dataset.length ** 4 }));

describe('an average over datasets', () => {
  it('counts every dataset as much, seed by seed', () => {
    const [average, ...others] = macroAverages(foldCells([...of('cqa', [0.5, 0.7]), ...of('svamp', [0.1, 0.1])]));
    assert.ok(average && others.length === 0);
    assert.deepEqual(average.datasets, ['cqa', 'svamp']);
    assert.ok(Math.abs((average.accuracy.mean ?? 0) - 0.35) < 1e-12);
    // The spread of the means of the seeds, 0.3 and 0.4.
    assert.ok(Math.abs((average.accuracy.sd ?? 0) - 0.1 / Math.SQRT2) < 1e-12);
  });

  it('is over the seeds that all datasets have, and none where a dataset is missing', () => {
    const [average] = macroAverages(
      foldCells([...of('cqa', [0.5, 0.7]), ...of('svamp', [0.1]), failed({ dataset: 'svamp', seed: 1 })]),
    );
    assert.deepEqual(average?.accuracy, { n: 1, mean: 0.3, sd: null });
    const standard = succeeded({ dataset: 'cqa', model_type: 'standard' });
    assert.equal(macroAverages(foldCells([...of('cqa', [0.5]), ...of('svamp', [0.1]), standard])).length, 1);
    assert.deepEqual(macroAverages(foldCells(of('cqa', [0.5]))), []);
  });

  it('is a table of the report', () => {
    const text = reportMarkdown(foldSweep('s', [...of('cqa', [0.5, 0.7]), ...of('svamp', [0.1, 0.1])], []));
    assert.match(text, /## Dataset by dataset/);
    assert.match(text, /\| cqa % \| svamp % \| mean of all % \| 95 % interval \| n \|/);
    assert.match(text, /\| 60\.00 ± 14\.14 \| 10\.00 ± 0\.00 \| 35\.00 ± 7\.07 \| 0\.00 to 98\.53 \| 2 \|/);
  });

  it('has a row for a method that one dataset lacks, with no mean', () => {
    const standard = succeeded({ dataset: 'cqa', model_type: 'standard' }, { testAccuracy: 0.25 });
    const text = reportMarkdown(foldSweep('s', [...of('cqa', [0.5]), ...of('svamp', [0.1]), standard], []));
    assert.match(text, /\| standard \| 25\.00 \| – \| – \| – \| – \|/);
  });

  it('puts datasets together that train with values of their own, and says so', () => {
    const other = (model_type: 'standard' | 'task_prefix') =>
      succeeded({ dataset: 'anli1', model_type, batch_size: 32, seed: 0 }, { testAccuracy: 0.3 });
    const cqa = (model_type: 'standard' | 'task_prefix') => succeeded({ model_type, seed: 0 }, { testAccuracy: 0.5 });
    const records = [cqa('standard'), cqa('task_prefix'), other('standard'), other('task_prefix')];
    assert.deepEqual(
      macroAverages(foldCells(records)).map(({ accuracy }) => accuracy.mean),
      [0.4, 0.4],
    );
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /batch_size is not the same for all datasets: cqa 8, anli1 32\./);
    // Where a dataset has several, they are compared, and no two are put together.
    const both = [...records, succeeded({ model_type: 'standard', seed: 0, batch_size: 32 }, { testAccuracy: 0.7 })];
    assert.deepEqual(
      macroAverages(foldCells(both)).map(({ accuracy }) => accuracy.mean),
      [0.5],
    );
  });
});

describe('an accuracy that is not a number', () => {
  it('is left out of the mean, and said to be', () => {
    const records = [...of('cqa', [0.5, 0.7]), succeeded({ seed: 2 }, { testAccuracy: Number.NaN })];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /60\.00 ± 14\.14 \| [^|]* \| 2 of 3 \|/);
    assert.match(text, /seed 2 succeeded \(its accuracy is not a number\)/);
    assert.doesNotMatch(text, /NaN/);
  });
});
