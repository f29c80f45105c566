import assert from 'node:assert/strict';
import type { TrialSettings } from '../../orchestrator/core/domain.js';
import type { TrialRecord } from '../../orchestrator/core/records.js';
import { answerOf } from '../../orchestrator/reports/answer.js';
import { cellIds } from '../../orchestrator/reports/cell-groups.js';
import { type Cell, foldCells } from '../../orchestrator/reports/cells.js';
import { compareCells, type Declaration } from '../../orchestrator/reports/comparisons.js';
import { dataCurves } from '../../orchestrator/reports/figures/data-curves.js';
import { figureCsv } from '../../orchestrator/reports/figures/figure-csv.js';
import { learningCurves } from '../../orchestrator/reports/figures/learning-curves.js';
import { sizeCurves } from '../../orchestrator/reports/figures/size-curves.js';
import { reportPage } from '../../orchestrator/reports/html/report-page.js';
import { reportLatex } from '../../orchestrator/reports/latex/report-latex.js';
import { acrossDatasets } from '../../orchestrator/reports/macro-average.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { resultsCsv } from '../../orchestrator/reports/results-csv.js';
import { resultsTable } from '../../orchestrator/reports/results-table.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { plannedTable } from '../../orchestrator/reports/tables.js';
import { failed, NOTHING_MEASURED, queued, succeeded } from '../support/records.js';

type Settings = Partial<TrialSettings>;

/** A seed for each accuracy, from a first one on. */
function trialsOn(torch: string, accuracies: readonly number[], settings: Settings = {}, first = 0) {
  const environment = { device: 'cpu', device_name: 'a processor', threads: '1', torch };
  return accuracies.map((testAccuracy, place) =>
    succeeded({ ...settings, seed: first + place }, { testAccuracy, environment }),
  );
}

const described = (cells: readonly Cell[]) =>
  cells.map(({ accuracy, seeds, environmentText }) => [environmentText, accuracy.n, accuracy.mean, seeds.length]);

describe('seeds that ran on what does not compare', () => {
  it('are cells of their own, the one with most results first, with what it ran on', () => {
    const cells = foldCells([...trialsOn('2.14.0', [0.25]), ...trialsOn('2.15.0', [0.5, 0.75], {}, 1)]);
    assert.deepEqual(described(cells), [
      ['torch 2.15.0', 2, 0.625, 2],
      ['torch 2.14.0', 1, 0.25, 1],
    ]);
    assert.equal(new Set(cells.map(({ id }) => id)).size, 2);
    assert.deepEqual(cells[1]?.environment?.['torch'], '2.14.0');
  });

  it('leave those without a result to the cell with most, and a setting without any to where most of the sweep ran', () => {
    const cells = foldCells([
      queued({ lr: 1, seed: 0 }),
      ...trialsOn('2.14.0', [0.25]),
      ...trialsOn('2.15.0', [0.5, 0.75], {}, 1),
      failed({ seed: 3 }),
    ]);
    assert.deepEqual(described(cells), [
      ['–', 0, null, 1],
      ['torch 2.15.0', 2, 0.625, 3],
      ['torch 2.14.0', 1, 0.25, 1],
    ]);
    assert.equal(cells[0]?.environmentKey, cells[1]?.environmentKey);
  });

  const one = { device: 'cuda', device_name: 'A100', threads: '8', torch: '2', host: 'one', python: '3.11' };
  const cpu = { ...one, device: 'cpu', device_name: 'a processor' };
  const pairs: readonly (readonly [
    string,
    Readonly<Record<string, string>>,
    Readonly<Record<string, string>>,
    string,
  ])[] = [
    ['another host', one, { ...one, host: 'two' }, ''],
    ['several processes', one, { ...one, processes: '4', layout: '2x2' }, ''],
    ['more threads beside an accelerator', one, { ...one, threads: '64' }, ''],
    ['more threads on a processor', cpu, { ...cpu, threads: '64' }, ''],
    ['another kind of device', one, { ...one, device_name: 'H100' }, 'H100'],
    ['a processor instead', one, cpu, 'a processor'],
    ['a patch release', one, { ...one, torch: '2.0.1' }, 'torch 2.0.1'],
    ['other versions', one, { ...one, torch: '3', transformers: '5' }, 'torch 3, transformers 5'],
  ];
  for (const [what, first, second, text] of pairs) {
    it(`are${text === '' ? ' not' : ''} those with ${what}`, () => {
      const cells = foldCells([first, second].map((environment, seed) => succeeded({ seed }, { environment })));
      assert.deepEqual(cells.map(({ environmentText }) => environmentText).slice(1), text === '' ? [] : [text]);
    });
  }
});

describe('cells that are apart', () => {
  const standard = (torch: string, accuracies: readonly number[], first = 0) =>
    trialsOn(torch, accuracies, { model_type: 'standard' }, first);

  it('are held against what ran on the same', () => {
    const [found, ...others] = compareCells(
      foldCells([
        ...standard('2.14.0', [0.1, 0.2, 0.3]),
        ...standard('2.15.0', [0.5, 0.5, 0.6, 0.5], 3),
        ...trialsOn('2.14.0', [0.2, 0.4, 0.6]),
      ]),
    );
    assert.ok(found);
    assert.deepEqual(others, []);
    assert.deepEqual([found.difference.n, found.baseline.environment?.['torch']], [3, '2.14.0']);
    assert.equal(found.inference.significance.kind, 'tested');
  });

  it('have no difference, interval or test with what ran on other things, and say why', () => {
    const records = [...standard('2.14.0', [0.5, 0.6, 0.4]), ...trialsOn('2.15.0', [0.6, 0.7, 0.6])];
    const [found] = compareCells(foldCells(records));
    assert.ok(found);
    const { significance, ...estimates } = found.inference;
    assert.deepEqual(
      [found.difference.n, found.difference.mean, found.pairs, found.unpaired],
      [0, null, [], [0, 1, 2]],
    );
    assert.deepEqual(new Set(Object.values(estimates)), new Set([null]));
    assert.ok(significance.kind === 'untested');
    assert.match(significance.reason, /different environments: torch: 2\.14\.0, 2\.15\.0/);
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /does not say whether step-by-step training helps: its trials ran in different environments/);
    assert.match(
      text,
      /\| torch 2\.15\.0 against torch 2\.14\.0 \| 63\.33 ± 5\.77 \| 50\.00 ± 10\.00 \| – \| – \| 0 of 3 /,
    );
  });

  it('count in the family that a sweep declared, whether they can be held against anything or not', () => {
    const declaration: Declaration = {
      sweep: 's',
      comparisons: [{ setting: 'model_type', values: ['task_prefix', 'standard'], where: {}, pairedBy: 'seed' }],
      atUnixMs: 0,
      has: () => true,
    };
    const found = compareCells(
      foldCells([
        ...standard('2.15.0', [0.5, 0.6, 0.4]),
        ...trialsOn('2.15.0', [0.6, 0.75, 0.6]),
        ...trialsOn('2.14.0', [0.6], {}, 3),
      ]),
      { declarations: [declaration] },
    );
    const [tested, refused] = found.map(({ inference }) => inference.significance);
    assert.ok(tested?.kind === 'tested' && refused?.kind === 'untested');
    assert.ok(Math.abs(tested.adjusted - Math.min(1, 2 * tested.p)) < 1e-12);
  });

  it('are compared where precision is what is compared', () => {
    const of = (precision: 'fp32' | 'bf16') =>
      [0.5, 0.6, 0.4].map((accuracy, seed) =>
        succeeded(
          { precision, seed },
          { testAccuracy: accuracy + (precision === 'bf16' ? seed / 50 : 0), environment: { torch: '2', precision } },
        ),
      );
    const declaration: Declaration = {
      sweep: 's',
      comparisons: [{ setting: 'precision', values: ['bf16', 'fp32'], where: {}, pairedBy: 'seed' }],
      atUnixMs: 0,
      has: () => true,
    };
    const [found] = compareCells(foldCells([...of('fp32'), ...of('bf16')]), { declarations: [declaration] });
    assert.equal(found?.inference.significance.kind, 'tested');
  });

  it('have no mean over datasets with others', () => {
    const rows = acrossDatasets(
      foldCells([
        ...trialsOn('2.14.0', [0.5]),
        ...trialsOn('2.15.0', [0.7], {}, 1),
        ...trialsOn('2.15.0', [0.1], { dataset: 'svamp' }, 1),
      ]),
    );
    assert.deepEqual(
      rows.map(({ environmentText, average }) => [environmentText, average === null]),
      [
        ['torch 2.15.0', false],
        ['torch 2.14.0', true],
      ],
    );
  });

  it('are curves of their own', () => {
    const shares = (torch: string, first: number) =>
      [0.5, 1].flatMap((subsample) => trialsOn(torch, [0.4, 0.5, 0.6], { subsample, model_type: 'standard' }, first));
    const cells = foldCells([...shares('2.14.0', 0), ...shares('2.15.0', 3)]);
    assert.deepEqual(
      dataCurves(cells, []).map(({ name, chart }) => [name.split(', ').at(-1), chart.series.length]),
      [
        ['torch 2.14.0', 1],
        ['torch 2.15.0', 1],
      ],
    );
    const curve = (step: number) => ({ step, accuracy: step / 100 });
    const [learning] = learningCurves(cells, () => [curve(50), curve(100)]);
    assert.ok(learning);
    const names = learning.series.map(({ name }) => name);
    assert.equal(new Set(names).size, 4);
    assert.ok(
      names.every((name) => /torch 2\.1[45]\.0$/.test(name)),
      names.join('; '),
    );
    assert.match([...figureCsv(learning)].join('\n'), /torch 2\.14\.0/);
  });

  it('may be points of one curve over model sizes, which says so, and are none where a size has several', () => {
    const parameters = { small: 77e6, base: 248e6 };
    const curvesOf = (records: readonly TrialRecord[]) => {
      return sizeCurves({ cells: foldCells(records), teachers: [], parameters });
    };
    const small = trialsOn('2.14.0', [0.5, 0.6], { model: 'small' });
    const base = trialsOn('2.15.0', [0.6, 0.7], { model: 'base' });
    const [curves, ...others] = curvesOf([...small, ...base]);
    assert.deepEqual([curves?.chart.series.length, others.length], [1, 0]);
    assert.ok(
      curves?.lines.includes('the environment is not the same for all: small torch 2.14.0, base torch 2.15.0'),
      curves?.lines.join(),
    );
    const [apart] = curvesOf([...small, ...trialsOn('2.15.0', [0.9], { model: 'small' }, 2), ...base]);
    assert.match(apart?.name ?? '', /torch 2\.15\.0$/);
    assert.deepEqual(
      apart?.chart.series[0]?.points.map(({ x, dots }) => [x, dots.length]),
      [
        [77, 1],
        [248, 2],
      ],
    );
  });
});

describe('a report of several environments', () => {
  const records = [...trialsOn('2.14.0', [0.25, 0.35]), ...trialsOn('2.15.0', [0.5, 0.7, 0.6], {}, 2)];
  const report = foldSweep('s', records, []);

  it('has a row for each, says which cells are apart and by which rule, on the page, in Markdown and LaTeX', () => {
    const markdown = reportMarkdown(report);
    assert.match(markdown, /\| task_prefix \| torch 2\.15\.0 \| 60\.00 ± 10\.00 \|/);
    assert.match(markdown, /\| task_prefix \| torch 2\.14\.0 \| 30\.00 ± 7\.07 \|/);
    const line = 'apart in models/tiny, cqa, gt, task_prefix: 3 seeds on torch 2.15.0; 2 seeds on torch 2.14.0';
    for (const text of [
      markdown,
      reportPage({ report, curveOf: () => [], version: '1' }),
      reportLatex(report).replaceAll('\\_', '_'),
    ]) {
      assert.match(text, /no mean, interval or test is over two of them/);
      assert.match(text, /torch 2\.14\.0/);
      assert.doesNotMatch(text, /46\.00|48\.00|47\.50/, 'a mean over both');
    }
    assert.ok(markdown.includes(line) && reportPage({ report, curveOf: () => [], version: '1' }).includes(line));
    assert.doesNotMatch(reportMarkdown(foldSweep('s', records.slice(2), [])), /environment|Comparab/);
  });

  it('names the cell of each trial in tables of trials, and shows what each ran on', () => {
    const [header = '', ...lines] = resultsCsv(records, () => NOTHING_MEASURED);
    const column = header.split(',').indexOf('cell');
    const found = lines.map((line) => line.split(',')[column]);
    assert.deepEqual(new Set(found), new Set(report.cells.map(({ id }) => id)));
    assert.deepEqual(
      found,
      records.map(({ trial }) => cellIds(records).get(trial.trialId)),
    );
    const { columns, rows } = resultsTable(records);
    const place = columns.findIndex(({ title }) => title === 'environment');
    assert.deepEqual([rows[0]?.[place], rows[4]?.[place]], ['torch 2.14.0', 'torch 2.15.0']);
    assert.ok(!resultsTable(records.slice(2)).columns.some(({ title }) => title === 'environment'));
  });
});

describe('what is said of several environments', () => {
  it('has no average over them', () => {
    const pair = (torch: string, dataset: string) => [
      ...trialsOn(torch, [0.5, 0.6, 0.4], { dataset, model_type: 'standard' }),
      ...trialsOn(torch, dataset === 'cqa' ? [0.6, 0.75, 0.6] : [0.6, 0.75, 0.63], { dataset }),
    ];
    const answer = (...records: readonly TrialRecord[]) => answerOf(foldSweep('s', records, []))[0] ?? '';
    assert.match(
      answer(...pair('2.14.0', 'cqa'), ...pair('2.15.0', 'svamp')),
      /; differences go from \+15\.00 to \+16\.00 points\.$/,
    );
    assert.match(answer(...pair('2.15.0', 'cqa'), ...pair('2.15.0', 'svamp')), /\+15\.50 on average \(cqa /);
  });

  it('is planned and seen for each device', () => {
    const on = (device_name: string, seconds: number, seed: number) =>
      succeeded({ seed }, { seconds, environment: { device_name } });
    const records = [on('A100', 10, 0), on('A100', 20, 1), on('H100', 2, 2), on('H100', 4, 3)];
    const { rows, columns } = plannedTable(foldSweep('s', records, [], { plannedSecondsOf: () => 3 }));
    const place = columns.findIndex(({ title }) => title === 'environment');
    assert.deepEqual(
      rows.map((row) => [row[place], ...row.slice(-7, -4)]),
      [
        ['A100', '2', '3.0 s', '15.0 s'],
        ['H100', '2', '3.0 s', '3.0 s'],
      ],
    );
  });
});
