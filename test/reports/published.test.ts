import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PublishedNumber } from '../../orchestrator/core/published-number.js';
import { normalQuantile } from '../../orchestrator/core/statistics/normal.js';
import { seededRandom } from '../../orchestrator/core/statistics/random.js';
import { sampleOf } from '../../orchestrator/core/statistics/sample.js';
import { predictionInterval } from '../../orchestrator/core/statistics/student-t.js';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { reportPage } from '../../orchestrator/reports/html/report-page.js';
import { reportLatex } from '../../orchestrator/reports/latex/report-latex.js';
import { publishedVerdicts } from '../../orchestrator/reports/published.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { summaryValue } from '../../orchestrator/reports/summary-json.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { readPublished } from '../../orchestrator/sources/published-numbers.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';
import { succeeded } from '../support/records.js';

const NUMBER: PublishedNumber = {
  dataset: 'cqa',
  split: 'test',
  model: 'models/tiny',
  method: 'standard',
  teacher: null,
  accuracy: 0.6,
  error: 0.0005,
  runs: 1,
  isVerified: false,
  settings: { batch: 8, subsample: 1 },
  source: { cite: 'A. Body 2020', url: 'https://example.org', place: 'Table 1, page 2', read: 'as printed', note: '' },
};

const cellOf = (accuracies: readonly number[], settings: object = {}) =>
  foldCells(
    accuracies.map((testAccuracy, seed) => succeeded({ model_type: 'standard', seed, ...settings }, { testAccuracy })),
  );

const verdictOf = (accuracies: readonly number[], number: Partial<PublishedNumber> = {}, settings: object = {}) =>
  publishedVerdicts(cellOf(accuracies, settings), [{ ...NUMBER, ...number }])[0]?.verdict;

describe('a cell beside a published number', () => {
  // t for two degrees of freedom is 4.303, and the mean of one run varies by sqrt(4/3) times the spread: ± 4.97 points.
  it('reproduces it where the number lies in the interval for such a run', () => {
    const near = verdictOf([0.55, 0.56, 0.57]);
    assert.ok(near?.kind === 'reproduced');
    assert.ok(Math.abs(near.interval.high - 0.60968) < 1e-4 && Math.abs(near.interval.low - 0.51032) < 1e-4);
    assert.equal(verdictOf([0.53, 0.54, 0.55])?.kind, 'below');
    assert.equal(verdictOf([0.65, 0.66, 0.67])?.kind, 'above');
  });

  it('has an interval that ends where accuracies end', () => {
    const verdict = verdictOf([0.9, 1, 1], { accuracy: 0.95 });
    assert.ok(verdict?.kind === 'reproduced' && verdict.interval.high === 1 && verdict.interval.low > 0.6);
  });

  it('is held to a mean of several runs more closely, and a number read off badly less so', () => {
    assert.equal(verdictOf([0.55, 0.56, 0.57], { runs: 10 })?.kind, 'below');
    assert.equal(verdictOf([0.55, 0.56, 0.57], { runs: 10, error: 0.02 })?.kind, 'reproduced');
    assert.equal(verdictOf([0.64, 0.65, 0.66], { runs: 10 })?.kind, 'above');
    // Of how many runs is not known: taken for one.
    assert.deepEqual(verdictOf([0.55, 0.56, 0.57], { runs: null }), verdictOf([0.55, 0.56, 0.57], { runs: 1 }));
    assert.equal(verdictOf([0.64, 0.65, 0.66], { runs: 10, error: 0.03 })?.kind, 'reproduced');
  });

  it('is not comparable where it trained otherwise, and the reasons are named', () => {
    const verdict = verdictOf(
      [0.5, 0.6],
      { settings: { batch: 64, subsample: 1, max_steps: 10_000 } },
      { grad_steps: 2 },
    );
    assert.deepEqual(verdict, {
      kind: 'not comparable',
      reasons: ['batch 16, published with 64', 'max_steps 100, published with 10000'],
    });
  });

  it('is not comparable where it has no interval, or the number is of other rows, and the reasons are named', () => {
    const reasonsOf = (...args: Parameters<typeof verdictOf>) => {
      const verdict = verdictOf(...args);
      return verdict?.kind === 'not comparable' ? verdict.reasons : verdict?.kind;
    };
    assert.deepEqual(reasonsOf([0.5]), ['one seed has a result, which gives no interval']);
    assert.deepEqual(reasonsOf([Number.NaN]), ['no seed has a result, which gives no interval']);
    assert.deepEqual(reasonsOf([0.5, 0.5, 0.5]), ['all seeds are alike']);
    assert.deepEqual(reasonsOf([0.5, 0.6], { split: 'valid' }), ['it is of the valid split, and these of test']);
    assert.deepEqual(reasonsOf([0.5, 0.6], { settings: { llm: 'palm', precision: 'bf16' } }), [
      'llm none, published with palm',
      'precision fp32, published with bf16',
    ]);
  });

  it('takes rows of an optimizer step for the batch, in however many parts', () => {
    assert.equal(verdictOf([0.55, 0.56, 0.57], {}, { batch_size: 4, grad_steps: 2 })?.kind, 'reproduced');
  });

  it('is held against numbers of its own model, dataset, method and teacher alone', () => {
    const numbers = [
      { ...NUMBER, model: 'other' },
      { ...NUMBER, dataset: 'svamp' },
      { ...NUMBER, method: 'task_prefix' as const },
    ];
    assert.deepEqual(publishedVerdicts(cellOf([0.5, 0.6]), numbers), []);
    const byTeacher = (teacher: string) => ({ ...NUMBER, method: 'task_prefix' as const, teacher });
    const cells = foldCells([succeeded({ llm: 'gpt' })]);
    assert.deepEqual(
      publishedVerdicts(cells, [byTeacher('palm'), byTeacher('gpt')]).map(({ number }) => number.teacher),
      ['gpt'],
    );
  });

  it('is shown with where the number is from, and that nobody has verified it', () => {
    const records = [0.55, 0.56, 0.57].map((testAccuracy, seed) =>
      succeeded({ model_type: 'standard', seed }, { testAccuracy }),
    );
    const text = reportMarkdown(foldSweep('s', records, [], { publishedNumbers: [NUMBER] }));
    assert.match(text, /\| 60\.00 \(unverified\) \| 51\.03 to 60\.97 \| reproduced \|/);
    assert.match(text, /A\. Body 2020, Table 1, page 2 .*not verified against the source/);
    assert.match(text, /None of these numbers has been verified against its source, .* only if the number is right\./);
    const report = foldSweep('s', records, [], { publishedNumbers: [NUMBER] });
    const page = reportPage({ report, curveOf: () => [], version: '0' });
    for (const document of [reportLatex(report), page]) {
      assert.match(document, /60\.00 \(unverified\)/);
      assert.match(document, /None of these numbers has been verified against its source/);
    }
    assert.match(JSON.stringify(summaryValue(report)['published']), /"verified":false/);
    const verified = reportMarkdown(
      foldSweep('s', records, [], { publishedNumbers: [{ ...NUMBER, isVerified: true }] }),
    );
    assert.doesNotMatch(verified, /verified/);
  });

  it('stands on the page where it compares, and is folded away with the reason where it does not', () => {
    const of = (settings: object) =>
      [0.55, 0.56, 0.57].map((testAccuracy, seed) =>
        succeeded({ model_type: 'standard', seed, ...settings }, { testAccuracy }),
      );
    const report = foldSweep('s', [...of({}), ...of({ subsample: 0.5 })], [], { publishedNumbers: [NUMBER] });
    const page = reportPage({ report, curveOf: () => [], version: '0' });
    const [shown = '', folded = ''] = page
      .slice(page.indexOf('Beside published numbers</h2>'))
      .split('<summary>Not comparable: 1 cell ');
    assert.match(shown, />reproduced</);
    assert.doesNotMatch(shown, /not comparable/);
    assert.match(folded, /not comparable: subsample 0\.5, published with 1/);
  });
});

describe('an interval for the mean of new values', () => {
  it('holds it as often as it says', () => {
    const random = seededRandom(8);
    const draw = (count: number) =>
      Array.from({ length: count }, () => normalQuantile(Math.min(Math.max(random.unit(), 1e-9), 1 - 1e-9)));
    let held = 0;
    for (let round = 0; round < 2_000; round += 1) {
      const interval = predictionInterval(sampleOf(draw(5)), 3);
      const mean = sampleOf(draw(3)).mean ?? 0;
      if (interval !== null && interval.low <= mean && mean <= interval.high) held += 1;
    }
    assert.ok(held / 2_000 > 0.935 && held / 2_000 < 0.965, `${held / 2_000}`);
  });
});

describe('files of published numbers', () => {
  it('that are shipped can be read, and say of every number where it is from and that it is not verified', async () => {
    const numbers = await readPublished(join(REPOSITORY, 'datasets/published'));
    assert.equal(numbers.length, 16);
    for (const { accuracy, isVerified, source } of numbers) {
      assert.ok(accuracy > 0.4 && accuracy < 0.9 && !isVerified && source.cite !== '' && source.place !== '');
    }
  });

  it('with a mistake are refused with its place', async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'a.yaml'), 'source: {}\nnumbers:\n  - { dataset: cqa, value: 630 }\n');
    await assert.rejects(readPublished(folder.path), (error: { issues: readonly { line: number; path: string }[] }) => {
      assert.ok(error.issues.some(({ line, path }) => line === 3 && path === 'numbers[0].value'));
      return true;
    });
  });

  it('with a setting that no trial has are refused, since nothing would ever compare', async () => {
    using folder = temporaryFolder();
    const shipped = readFileSync(join(REPOSITORY, 'datasets/published/hsieh-2023.yaml'), 'utf8');
    writeFileSync(join(folder.path, 'a.yaml'), shipped.replace('max_steps: 10000', 'maxsteps: 10000'));
    await assert.rejects(readPublished(folder.path), /expected batch or a setting of a trial, got maxsteps/);
  });

  it('are none where there is no such folder', async () => {
    assert.deepEqual(await readPublished('/nowhere/published'), []);
  });
});
