import assert from 'node:assert/strict';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { type ChartPoint, chartPoint } from '../../orchestrator/reports/figures/chart-point.js';
import { dataCurves } from '../../orchestrator/reports/figures/data-curves.js';
import { figureCsv } from '../../orchestrator/reports/figures/figure-csv.js';
import { figureNote } from '../../orchestrator/reports/figures/figure-note.js';
import { type CurvePoint, learningCurves } from '../../orchestrator/reports/figures/learning-curves.js';
import { chartMarks, type LineChart } from '../../orchestrator/reports/figures/line-chart.js';
import type { Mark } from '../../orchestrator/reports/figures/marks.js';
import { succeeded } from '../support/records.js';

const SPREAD = [0.5, 0.6, 0.7];
const ALIKE = [1, 1, 1];
const SINGLE = [0.8];

function chartOf(points: readonly ChartPoint[]): LineChart {
  return {
    id: 'a',
    title: 'a',
    description: 'a',
    xTitle: 'x',
    yTitle: 'y',
    isLogarithmic: false,
    series: [{ name: 'standard', points }],
    reference: null,
    crossings: [],
    xText: String,
  };
}

const chartOfAll = (...all: readonly (readonly number[])[]) =>
  chartOf(all.map((accuracies, place) => chartPoint(place, accuracies)));

const marksOf = (chart: LineChart): readonly Mark[] => chartMarks(chart).at(-1)?.marks ?? [];
const pathsOf = (chart: LineChart, look: 'band' | 'bar') =>
  marksOf(chart).flatMap((mark) => (mark.kind === 'path' && mark.look === look ? [mark.d] : []));

/** The corners of a band: each point's place across, and how high it is there. */
function heightsOf(band: string): readonly (readonly [number, number])[] {
  const corners = [...band.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
  const across = [...new Set(corners.map(([x]) => x))];
  return across.map((x) => {
    const ys = corners.filter((corner) => corner[0] === x).map(([, y]) => y);
    return [x, Math.max(...ys) - Math.min(...ys)] as const;
  });
}

describe('the bands of a figure', () => {
  it('go on to a point where all seeds agree, and have no width there', () => {
    const [band, ...others] = pathsOf(chartOfAll(SPREAD, ALIKE), 'band');
    assert.ok(band !== undefined && others.length === 0);
    const heights = heightsOf(band).map(([, height]) => height);
    assert.ok(heights.length === 2 && (heights[0] ?? 0) > 10 && heights[1] === 0, band);
  });

  it('stop at a point of one seed, whose spread nobody knows, and are a bar at a point alone', () => {
    const chart = chartOfAll(SPREAD, SPREAD, SINGLE, SPREAD);
    assert.equal(pathsOf(chart, 'band').length, 1);
    const [bar, ...others] = pathsOf(chart, 'bar');
    assert.ok(others.length === 0 && /^M[\d.]+,[\d.]+V[\d.]+M/.test(bar ?? ''), bar);
    assert.deepEqual(heightsOf(pathsOf(chart, 'band')[0] ?? '').length, 2);
  });

  it('are none where nothing has a spread', () => {
    for (const chart of [chartOfAll(ALIKE, ALIKE), chartOfAll(ALIKE), chartOfAll(SINGLE, SINGLE)]) {
      assert.deepEqual([...pathsOf(chart, 'band'), ...pathsOf(chart, 'bar')], []);
    }
  });

  it('end at 0 and 100 %, as the intervals of their CSV do; where all seeds agree it has none', () => {
    const point = chartPoint(50, [0.97, 0.96, 1, 1]);
    assert.ok(point.high === 100 && (point.low ?? 0) > 94);
    const rows = [...figureCsv(chartOfAll(ALIKE))];
    assert.equal(rows[1], 'standard,mean,0,100,,');
  });

  it('are drawn for a sweep whose seeds agree with all data', () => {
    const records = [0.5, 1].flatMap((subsample) =>
      [0.97, 0.96, 1].map((low, seed) =>
        succeeded({ model_type: 'standard', subsample, seed }, { testAccuracy: subsample === 1 ? 1 : low }),
      ),
    );
    const [curves] = dataCurves(foldCells(records), []);
    assert.equal(curves && pathsOf(curves.chart, 'band').length, 1);
  });
});

describe('the dots of a curve along training', () => {
  const records = [0, 1, 2].map((seed) => succeeded({ seed }));
  const chartWith = (evaluations: number) => {
    const curve = (id: string): readonly CurvePoint[] =>
      Array.from({ length: evaluations }, (_, place) => ({
        step: place + 1,
        accuracy: id === records[0]?.trial.trialId ? 0.5 : 0.75,
      }));
    const [chart] = learningCurves(foldCells(records), curve);
    assert.ok(chart);
    return chart;
  };

  it('are those of every seed', () => {
    const chart = chartWith(2);
    assert.deepEqual(
      chart.series[0]?.points.map(({ dots }) => dots),
      [
        [50, 75, 75],
        [50, 75, 75],
      ],
    );
    assert.match(figureNote([chart]), /, small dots single seeds\.$/);
  });

  it('are left out where there are too many, and then nobody promises them', () => {
    const chart = chartWith(201);
    assert.deepEqual(chart.series[0]?.points[0]?.dots, []);
    assert.doesNotMatch(figureNote([chart]), /dots/);
    assert.match(figureNote([chart, chartWith(2)]), /small dots, in figures that have room for them, single seeds/);
  });
});

describe('the note of figures', () => {
  const noteOf = (...all: readonly (readonly number[])[]) => figureNote([chartOfAll(...all)]);

  it('names what is drawn', () => {
    assert.equal(
      noteOf(SPREAD, SPREAD),
      'Lines are means over seeds, bands, and bars at points alone, their 95 % intervals by t, within 0 and 100 %, small dots single seeds.',
    );
    assert.equal(
      noteOf(SINGLE, SINGLE),
      'Lines are means over seeds, small dots single seeds. A point of one seed has no interval, and no band goes through it.',
    );
  });

  it('says that seeds that agree are no proof of others', () => {
    assert.match(noteOf(SPREAD, ALIKE), /Where all seeds agree, a band has no width: that is no interval, /);
  });
});
