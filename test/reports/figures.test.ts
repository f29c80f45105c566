import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCharts } from '../../orchestrator/reports/figures/all-charts.js';
import { figureCsv } from '../../orchestrator/reports/figures/figure-csv.js';
import { figureSvg } from '../../orchestrator/reports/figures/figure-svg.js';
import { chartMarks } from '../../orchestrator/reports/figures/line-chart.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';
import { temporaryFolder } from '../support/dss.js';
import { attributeOf, named, parsedFragment, textOf } from '../support/markup.js';
import { succeeded } from '../support/records.js';
import { reportParts, reportRecords } from '../support/report-sweep.js';

const { report } = reportParts(reportRecords('a<b>&"c'));
const charts = allCharts(report, () => [
  { step: 50, accuracy: 0.25 },
  { step: 100, accuracy: 0.5 },
]);

describe('a figure as a file', () => {
  it('is drawn for accuracy against data and along training', () => {
    assert.deepEqual(
      charts.map(({ id }) => id),
      ['data-0', 'learning-0'],
    );
  });

  for (const chart of charts) {
    it(`stands alone: ${chart.id} has its size, its ground, its words, and colours that need no page`, () => {
      const text = figureSvg(chart);
      const elements = parsedFragment(text);
      const [svg] = elements;
      assert.ok(svg?.tagName === 'svg' && text.startsWith('<svg xmlns="http://www.w3.org/2000/svg" '));
      assert.deepEqual(
        ['width', 'height'].map((name) => Number(attributeOf(svg, name)) > 0),
        [true, true],
      );
      assert.equal(attributeOf(named(elements, 'rect')[0] ?? svg, 'fill'), '#ffffff');
      assert.match(named(elements, 'title').map(textOf).join(), /a<b>&"c on cqa/);
      assert.equal(named(elements, 'desc').length, 1);
      // A variable would be of a page; without it Inkscape and others draw all in black.
      assert.doesNotMatch(text, /var\(|https?:\/\/(?!www\.w3\.org)|<script/);
      const legend = named(elements, 'text').map(textOf);
      for (const { name } of chart.series) assert.ok(legend.includes(name), name);
    });
  }

  it('has a row in its CSV for each mean with its interval, each seed, and the line across', () => {
    const [header, ...rows] = [...figureCsv(charts[0] as (typeof charts)[number])];
    assert.equal(header, 'series,kind,x,y,low,high');
    // 2 methods × 3 shares × (a mean and 3 seeds), where one crosses, and the teacher.
    assert.equal(rows.length, 26);
    const [name, kind, x, y, low, high] = (rows[0] ?? '').split(',');
    const mean = (100 * (0.525 + 0.545 + 0.605)) / 3;
    assert.deepEqual([name, kind, x], ['standard', 'mean', '25']);
    assert.ok(Math.abs(Number(y) - mean) < 1e-9 && Math.abs(Number(low) + Number(high) - 2 * mean) < 1e-9);
    assert.equal(rows[1], 'standard,seed,25,52.5,,');
    assert.match(rows.at(-2) ?? '', /^step-by-step,crossing,[\d.]+,[\d.]+,,$/);
    assert.equal(rows.at(-1), 'the teacher,line,,62,,');
  });
});

describe('a figure of many seeds', () => {
  it('has room for the dots of all of them', () => {
    const [chart] = charts;
    assert.ok(chart);
    const dots = Array.from({ length: 150_000 }, (_, place) => 40 + (place % 20));
    const series = chart.series.map(({ name, points }) => ({
      name,
      points: points.map((each) => ({ ...each, dots })),
    }));
    const groups = chartMarks({ ...chart, series: series.slice(0, 1) });
    assert.ok((groups.at(-1)?.marks.length ?? 0) > dots.length);
  });
});

describe('a figure along training', () => {
  it('names as many steps as there is room for on a phone', () => {
    const steps = Array.from({ length: 20 }, (_, place) => ({ step: (place + 1) * 1_000, accuracy: 0.5 }));
    const chart = allCharts(report, () => steps).find(({ id }) => id === 'learning-0');
    assert.ok(chart);
    const texts = named(parsedFragment(figureSvg(chart)), 'text');
    const places = texts.filter((text) => /^\d+,000$/.test(textOf(text))).map((text) => Number(attributeOf(text, 'x')));
    assert.ok(places.length > 3 && places.length < 9, String(places.length));
    for (const [place, x] of places.entries()) if (place > 0) assert.ok(x - (places[place - 1] ?? 0) >= 6 * 11);
  });

  it('is not drawn of a single evaluation', () => {
    const ids = allCharts(report, () => [{ step: 100, accuracy: 0.5 }]).map(({ id }) => id);
    assert.deepEqual(ids, ['data-0']);
  });
});

describe('the folder of figures', () => {
  it('has its pictures and its numbers for every figure, and none of a report before', async () => {
    using folder = temporaryFolder();
    const figures = join(folder.path, 'figures');
    mkdirSync(figures);
    for (const name of ['data-7.svg', 'data-7.pdf', 'data-7.csv', 'mine.svg']) writeFileSync(join(figures, name), '');
    await writeReport(folder.path, reportParts());
    assert.deepEqual(readdirSync(figures).sort(), [
      'data-0.csv',
      'data-0.pdf',
      'data-0.svg',
      'learning-0.csv',
      'learning-0.pdf',
      'learning-0.svg',
      'mine.svg',
    ]);
    assert.match(readFileSync(join(figures, 'learning-0.csv'), 'utf8'), /^series,kind,x,y,low,high\r\n/);
  });

  it('is not made where there is nothing to draw', async () => {
    using folder = temporaryFolder();
    const parts = reportParts([succeeded({})]);
    const { figures } = await writeReport(folder.path, {
      ...parts,
      measured: { measurements: () => ({ training: [], evaluations: [] }) },
    });
    assert.deepEqual([figures, existsSync(join(folder.path, 'figures'))], [null, false]);
  });
});
