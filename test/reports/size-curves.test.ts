import assert from 'node:assert/strict';
import type { TrialRecord } from '../../orchestrator/core/records.js';
import { allCharts } from '../../orchestrator/reports/figures/all-charts.js';
import { figureCsv } from '../../orchestrator/reports/figures/figure-csv.js';
import { sizeCurves } from '../../orchestrator/reports/figures/size-curves.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { foldSweep, type TeacherQuality } from '../../orchestrator/reports/sweep-report.js';
import { succeeded } from '../support/records.js';

const SIZES: Readonly<Record<string, number>> = { small: 77e6, base: 247.6e6, large: 783.2e6 };
const TEACHER: TeacherQuality = {
  dataset: 'cqa',
  teacher: 'palm',
  split: 'test',
  rows: 20,
  labelAccuracy: 0.7,
  rationaleCoverage: 1,
  rationaleWords: { mean: 31.25, p99: 80 },
};

const trials = (model: string, accuracy: number, settings: object = {}): readonly TrialRecord[] =>
  [0, 1, 2].map((seed) => succeeded({ model, seed, ...settings }, { testAccuracy: accuracy + seed / 100 }));

const reportOf = (records: readonly TrialRecord[]) =>
  foldSweep('s', records, [TEACHER], { parametersOf: (model) => SIZES[model] ?? null });

const RECORDS = [...trials('large', 0.72), ...trials('small', 0.5), ...trials('base', 0.6)];

describe('accuracy against model size', () => {
  it('is drawn over the logarithm of the parameters, from the smallest model on, with the line of the teacher', () => {
    const [curves, ...others] = sizeCurves(reportOf(RECORDS));
    assert.ok(curves);
    assert.deepEqual(others, []);
    assert.equal(curves.chart.isLogarithmic, true);
    assert.deepEqual(
      curves.chart.series[0]?.points.map(({ x, dots }) => [x, dots.length]),
      [
        [77, 3],
        [247.6, 3],
        [783.2, 3],
      ],
    );
    assert.deepEqual(curves.chart.reference, { name: 'the teacher', y: 70 });
    assert.equal([...figureCsv(curves.chart)].length, 1 + 3 * 4 + 1);
  });

  it('names the smallest model that comes to the teacher, and whether its seeds show that', () => {
    const lines = (records: readonly TrialRecord[]) => sizeCurves(reportOf(records))[0]?.lines.join() ?? '';
    assert.match(
      lines(RECORDS),
      /^step-by-step: the smallest model .* 70\.00 % is large \(783 M parameters\), with 73\.00 %/,
    );
    assert.match(
      lines([...trials('small', 0.5), ...trials('large', 0.7)]),
      /71\.00 %; its 95 % interval does not show that other seeds would/,
    );
    assert.doesNotMatch(lines([...trials('small', 0.5), ...trials('large', 0.8)]), /does not show/);
    assert.match(lines([...trials('small', 0.5), ...trials('base', 0.6)]), /no model of those that were trained/);
    assert.match(reportMarkdown(reportOf(RECORDS)), /## How small the model may be/);
  });

  it('puts sizes that were trained with other batches on one line, and says so', () => {
    const [curves] = sizeCurves(reportOf([...trials('small', 0.5), ...trials('large', 0.8, { batch_size: 2 })]));
    assert.equal(curves?.chart.series[0]?.points.length, 2);
    assert.match(curves?.lines.join() ?? '', /batch_size is not the same for all: small 8, large 2/);
  });

  it('is a chart of the report, and none where sizes are not known or there is only one', () => {
    const idsOf = (records: readonly TrialRecord[]) => allCharts(reportOf(records), () => []).map(({ id }) => id);
    assert.deepEqual(idsOf(RECORDS), ['size-0']);
    assert.deepEqual(idsOf(trials('small', 0.5)), []);
    assert.deepEqual(idsOf([...trials('small', 0.5), ...trials('other', 0.6)]), []);
  });
});
