import assert from 'node:assert/strict';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { failed, succeeded } from '../support/records.js';

const TEACHER = {
  dataset: 'cqa',
  teacher: 'palm',
  split: 'test',
  rows: 1221,
  labelAccuracy: 0.7723,
  rationaleCoverage: 1,
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
      lines(text).includes('| models/tiny | cqa | gt | task_prefix | 55.00 ± 7.07 | 2 | 77.23 | 100 | 15.0 s |'),
      text,
    );
    assert.ok(lines(text).includes('| cqa | palm | test | 1221 | 77.23 | 100.00 |'), text);
    assert.match(text, /2 trials: 2 done, 0 failed\. 30\.0 s of training/);
  });

  it('makes up no spread from one seed', () => {
    assert.match(reportMarkdown(foldSweep('s', [succeeded({})], [])), /\| 50\.00 \| 1 \|/);
  });

  it('puts the methods side by side with the difference paired by seed', () => {
    const records = [
      succeeded({ model_type: 'standard', seed: 0 }, { testAccuracy: 0.5 }),
      succeeded({ model_type: 'standard', seed: 1 }, { testAccuracy: 0.6 }),
      succeeded({ seed: 0 }, { testAccuracy: 0.7 }),
      succeeded({ seed: 1 }, { testAccuracy: 0.7 }),
    ];
    const text = reportMarkdown(foldSweep('s', records, []));
    const row = '| models/tiny | cqa | gt | 55.00 ± 7.07 | 70.00 ± 0.00 | +15.00 ± 7.07 | 2 (2 positive) |';
    assert.ok(lines(text).includes(row), text);
  });

  it('says which seeds are missing and what failed first', () => {
    const records = [
      succeeded({ seed: 0 }),
      failed({ seed: 1 }, { code: 'OUT_OF_MEMORY', message: 'too large' }, 9_000),
      failed({ seed: 2 }, {}, 3_000),
    ];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /\| 50\.00 \| 1 of 3 \|/);
    assert.match(text, /seed 1 failed \(OUT_OF_MEMORY\), 2 failed \(NON_FINITE_LOSS\)/);
    assert.ok(text.indexOf('NON_FINITE_LOSS: the loss') < text.indexOf('OUT_OF_MEMORY: too large'));
  });

  it('says when seeds ran in different environments', () => {
    const records = [succeeded({ seed: 0 }), succeeded({ seed: 1 }, { environment: { torch: '2', threads: '4' } })];
    assert.match(reportMarkdown(foldSweep('s', records, [])), /- threads: 1, 4/);
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
});
