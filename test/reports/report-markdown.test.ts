import assert from 'node:assert/strict';
import { reportLatex } from '../../orchestrator/reports/latex/report-latex.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { summaryValue } from '../../orchestrator/reports/summary-json.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { failed, succeeded, UNMEASURED } from '../support/records.js';

const TEACHER = {
  dataset: 'cqa',
  teacher: 'palm',
  split: 'test',
  rows: 1221,
  labelAccuracy: 0.7723,
  rationaleCoverage: 1,
  rationaleWords: { mean: 31.25, p99: 80 },
} as const;

function lines(text: string): readonly string[] {
  return text.split('\n');
}

describe('report.md', () => {
  it('gives mean and spread, the number of seeds, the teacher and the time of each cell', () => {
    const records = [
      succeeded({ seed: 0 }, { testAccuracy: 0.5, seconds: 10 }),
      succeeded({ seed: 1 }, { testAccuracy: 0.6, seconds: 20 }),
    ];
    const text = reportMarkdown(foldSweep('s', records, [TEACHER]));
    assert.ok(
      lines(text).includes(
        '| models/tiny | cqa | gt | task_prefix | 55.00 ± 7.07 | 0.00 to 100.00 | 2 | 77.23 | 100 | 15.0 s |',
      ),
      text,
    );
    assert.ok(lines(text).includes('| cqa | palm | test | 1221 | 77.23 | 100.00 | 31.3 | 80 |'), text);
    assert.match(text, /2 trials: 2 done, 0 failed\. 30\.0 s of training/);
  });

  it('makes up no spread from one seed', () => {
    assert.match(reportMarkdown(foldSweep('s', [succeeded({})], [])), /\| 50\.00 \| – \| 1 \|/);
  });

  it('puts the methods side by side with the difference paired by seed', () => {
    const records = [
      succeeded({ model_type: 'standard', seed: 0 }, { testAccuracy: 0.5 }),
      succeeded({ model_type: 'standard', seed: 1 }, { testAccuracy: 0.6 }),
      succeeded({ seed: 0 }, { testAccuracy: 0.7 }),
      succeeded({ seed: 1 }, { testAccuracy: 0.7 }),
    ];
    const text = reportMarkdown(foldSweep('s', records, []));
    const row =
      '| models/tiny | cqa | gt | 70.00 ± 0.00 | 55.00 ± 7.07 | +15.00 ± 7.07 | −48.53 to +78.53 | 2 (2 positive) | not tested: 2 seeds cannot show it: flipping signs gives p 0.5 at least |';
    assert.ok(lines(text).includes(row), text);
  });

  it('has the accuracies of the seeds in pairs beside a difference, and says so where a cell has more', () => {
    const of = (model_type: 'standard' | 'task_prefix', accuracies: readonly number[]) =>
      accuracies.map((testAccuracy, seed) => succeeded({ model_type, seed }, { testAccuracy }));
    const report = foldSweep('s', [...of('standard', [0.5, 0.6, 0.1]), ...of('task_prefix', [0.6, 0.7])], []);
    const text = reportMarkdown(report);
    assert.match(text, /\| 65\.00 ± 7\.07 \| 55\.00 ± 7\.07 \| \+10\.00 ± [^|]* \| [^|]* \| 2 of 3 /);
    assert.match(text, /The accuracies beside them are over the seeds in pairs alone\./);
    assert.match(text, /\| standard \| 40\.00 ± 26\.46 \|/, 'of all seeds where no difference stands beside it');
    const { comparisons } = summaryValue(report) as { comparisons: { baseline_test_accuracy: { n: number } }[] };
    assert.equal(comparisons[0]?.baseline_test_accuracy.n, 2);
    const even = foldSweep('s', [...of('standard', [0.5, 0.6]), ...of('task_prefix', [0.6, 0.7])], []);
    assert.doesNotMatch(reportMarkdown(even), /in pairs alone/);
  });

  it('says of how many comparisons p is corrected, and that intervals are not', () => {
    const of = (dataset: string) =>
      [0.1, 0.15, 0.12].flatMap((better, seed) => [
        succeeded({ model_type: 'standard', seed, dataset }, { testAccuracy: 0.5 }),
        succeeded({ seed, dataset }, { testAccuracy: 0.5 + better }),
      ]);
    const two = reportMarkdown(foldSweep('s', [...of('cqa'), ...of('svamp')], []));
    assert.match(two, /\| yes: p 0\.027 \(Holm, of 2\) by t \|/);
    assert.match(
      two,
      /p is two-sided, and corrected by Holm for as many comparisons as stand behind it\. Intervals are/,
    );
    const one = reportMarkdown(foldSweep('s', of('cqa'), []));
    assert.match(one, /\| yes: p 0\.014 by t \|/);
    assert.doesNotMatch(one, /corrected by Holm for as many/);
  });

  it('says which seeds are missing and what failed first', () => {
    const records = [
      succeeded({ seed: 0 }),
      failed({ seed: 1 }, { code: 'OUT_OF_MEMORY', message: 'too large' }, 9_000),
      failed({ seed: 2 }, {}, 3_000),
    ];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /\| 50\.00 \| – \| 1 of 3 \|/);
    assert.match(text, /seed 1 failed \(OUT_OF_MEMORY\), 2 failed \(NON_FINITE_LOSS\)/);
    assert.ok(text.indexOf('NON_FINITE_LOSS: the loss') < text.indexOf('OUT_OF_MEMORY: too large'));
  });

  it('says when seeds ran in different environments, and puts none of them together', () => {
    const records = [succeeded({ seed: 0 }), succeeded({ seed: 1 }, { environment: { torch: '2.1', threads: '1' } })];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /- torch: 2, 2\.1/);
    assert.match(text, /- apart in models\/tiny, cqa, gt, task_prefix: 1 seed on torch 2; 1 seed on torch 2\.1/);
    assert.match(text, /\| torch 2\.1 \| 50\.00 \| – \| 1 \|/);
    assert.doesNotMatch(reportMarkdown(foldSweep('s', [succeeded({ seed: 0 })], [])), /apart|Comparability/);
  });

  it('says that a compat number comes from the test curve', () => {
    assert.match(reportMarkdown(foldSweep('s', [succeeded({ select: 'compat' })], [])), /select: compat/);
    assert.doesNotMatch(reportMarkdown(foldSweep('s', [succeeded({})], [])), /select: compat/);
  });

  it('lets no name or message open a cell, a tag, a link or an escape sequence', () => {
    const records = [failed({ model: 'a|b<img>' }, { message: '[x](y)\n\u001b[31mred' })];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.ok(text.includes('a\\|b&lt;img&gt;'), text);
    assert.ok(text.includes('\\[x\\](y)\\\\n\\\\u001b\\[31mred'), text);
  });

  it('has single-task as a row of its own, with its own difference', () => {
    const method = (model_type: 'standard' | 'task_prefix' | 'single_task', seed: number, testAccuracy: number) =>
      succeeded({ model_type, seed, ...(model_type === 'single_task' ? { gen_max_len: 256 } : {}) }, { testAccuracy });
    const records = [
      ...[0.5, 0.6].map((accuracy, seed) => method('standard', seed, accuracy)),
      ...[0.7, 0.7].map((accuracy, seed) => method('task_prefix', seed, accuracy)),
      ...[0.4, 0.5].map((accuracy, seed) => method('single_task', seed, accuracy)),
    ];
    const text = reportMarkdown(foldSweep('s', records, []));
    for (const row of [
      '| models/tiny | cqa | gt | single_task | 45.00 ± 7.07 | 0.00 to 100.00 | 2 | 100 | 10.0 s |',
      '## Step-by-step against standard, single-task against standard',
      '| models/tiny | cqa | gt | step-by-step against standard | 70.00 ± 0.00 | 55.00 ± 7.07 | +15.00 ± 7.07 | −48.53 to +78.53 | 2 (2 positive) | not tested: 2 seeds cannot show it: flipping signs gives p 0.5 at least |',
      '| models/tiny | cqa | gt | single-task against standard | 45.00 ± 7.07 | 55.00 ± 7.07 | −10.00 ± 0.00 | – | 2 (0 positive) | not tested: 2 seeds cannot show it: flipping signs gives p 0.5 at least |',
    ]) {
      assert.ok(lines(text).includes(row), `${row}\n${text}`);
    }
  });

  it('counts one trial as one', () => {
    assert.match(reportMarkdown(foldSweep('s', [succeeded({})], [])), /\n1 trial: 1 done/);
  });

  it('has no interval of accuracies below 0 or above 100, in any table, and says that they are cut off', () => {
    const of = (dataset: string) =>
      [0.9, 1, 1].map((testAccuracy, seed) => succeeded({ seed, dataset }, { testAccuracy }));
    const report = foldSweep('s', [...of('cqa'), ...of('svamp')], []);
    for (const text of [reportMarkdown(report), reportLatex(report)]) {
      assert.equal(text.match(/82\.32 to 100\.00/g)?.length, 3, text);
      assert.match(text, /interval of the mean by t, cut off at 0 and 100/);
    }
    const { cells } = summaryValue(report) as { cells: { interval_95: { high: number } }[] };
    assert.equal(cells[0]?.interval_95.high, 1);
  });

  it('says of which number the interval beside the effect size is, and uses one sign for minus', () => {
    const of = (model_type: 'standard' | 'task_prefix', by: number) =>
      Array.from({ length: 10 }, (_, seed) =>
        succeeded({ model_type, seed }, { testAccuracy: 0.6 + by + ((seed * (by === 0 ? 3 : 7)) % 10) / 100 }),
      );
    const text = reportMarkdown(foldSweep('s', [...of('standard', 0), ...of('task_prefix', -0.1)], []));
    const size = lines(text).findIndex((line) => line.includes('| effect size |'));
    assert.match(lines(text)[size] ?? '', /\| effect size \| difference: 95 % interval by bootstrap \|/);
    assert.match(lines(text)[size + 2] ?? '', /\| −[\d.]+ \| −[\d.]+ to −[\d.]+ \|/);
    assert.match(text, /\| −10\.00 ± [\d.]+ \| −[\d.]+ to −[\d.]+ \|/);
    assert.doesNotMatch(text, /[ (]-\d/);
  });

  it('gives choice accuracy a column of its own, only where there is one', () => {
    const records = [succeeded({ seed: 0 }, { testAccuracy: 0.5, choiceAccuracy: 0.75 })];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /\| accuracy % \| 95 % interval \| choices % \| n \|/);
    assert.match(text, /\| 50\.00 \| – \| 75\.00 \| 1 \|/);
    assert.match(text, /another metric than accuracy/);
    assert.doesNotMatch(reportMarkdown(foldSweep('s', [succeeded({})], [])), /choices/);
  });

  it('says how fast each cell trained, what it needed, and what its device could have done', () => {
    const environment = { device_name: 'EPYC' };
    const text = reportMarkdown(
      foldSweep(
        's',
        [
          succeeded({ seed: 0 }, { environment, peakFlops: 8.25e10 }),
          succeeded({ seed: 1 }, { environment, peakFlops: 9e10, resumedStep: 50 }),
        ],
        [],
      ),
    );
    const row =
      '| models/tiny | cqa | gt | task_prefix | 80.0 | 8,000 | 10,000 | 20.00 | 25.00 | 1.00 GiB | 1.00 GiB |';
    assert.ok(lines(text).includes(row), text);
    assert.match(text, /- EPYC, fp32: 0\.0825 to 0\.09 TFLOP\/s at most \(measured\)/);
    assert.match(text, /- 1 trial went on from a checkpoint/);
  });

  it('shows where the time of the sweep went, in all and by cell', () => {
    const records = [
      succeeded({}, { seconds: 5_400, secondsByPhase: { import: 1_800, train: 5_400 } }),
      succeeded({ dataset: 'svamp' }, { seconds: 1_800, secondsByPhase: { evaluate: 900 } }),
    ];
    const text = reportMarkdown(foldSweep('s', records, []));
    for (const row of [
      '| import | 30 min 00 s | 20.00 |',
      '| train | 1 h 30 min | 60.00 |',
      '| evaluate | 15 min 00 s | 10.00 |',
      '| other | 15 min 00 s | 10.00 |',
      '| all | 2 h 30 min | 100.00 |',
      '| models/tiny | cqa | gt | task_prefix | 2 h 00 min | 25.00 | 75.00 | – | – |',
      '| models/tiny | svamp | gt | task_prefix | 30 min 00 s | – | – | 50.00 | 50.00 |',
    ]) {
      assert.ok(lines(text).includes(row), `${row}\n${text}`);
    }
  });

  it('shows results of an engine that measured less, with what they lack left blank', () => {
    const records = [succeeded({ seed: 0 }, UNMEASURED)];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.ok(lines(text).includes('| models/tiny | cqa | gt | task_prefix | 80.0 | – | – | – | – | – | – |'), text);
    assert.doesNotMatch(text, /NaN|Infinity|undefined|TFLOP/);
  });

  it('has nothing to say about speed and time before a trial has ended', () => {
    assert.doesNotMatch(reportMarkdown(foldSweep('s', [failed({})], [])), /Speed|time went|NaN/);
  });
});
