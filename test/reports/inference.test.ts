import assert from 'node:assert/strict';
import { seededRandom } from '../../orchestrator/core/statistics/random.js';
import { sampleOf } from '../../orchestrator/core/statistics/sample.js';
import { foldCells } from '../../orchestrator/reports/cells.js';
import { significanceText } from '../../orchestrator/reports/comparison-tables.js';
import { compareCells } from '../../orchestrator/reports/comparisons.js';
import { type Compared, infer, isShown, type TestBits, type TestName } from '../../orchestrator/reports/inference.js';
import { comparisonNote } from '../../orchestrator/reports/notes.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { succeeded } from '../support/records.js';

function compared(differences: readonly number[], changes: Partial<Compared> = {}): Compared {
  return {
    pairs: differences.map((difference) => ({ difference, baseline: null, candidate: null })),
    difference: sampleOf(differences),
    pairedBy: 'seed',
    mixed: {},
    ...changes,
  };
}

const significanceOf = (differences: readonly number[]) => infer([compared(differences)])[0]?.significance;

/** Right in the first so many rows of 80. */
function bits(right: number): TestBits {
  const correct = new Uint8Array(10);
  for (let row = 0; row < right; row += 1) correct[row >> 3] = (correct[row >> 3] ?? 0) | (1 << (row & 7));
  return { rows: 80, correct };
}

describe('the cell "more than chance?"', () => {
  const textOf = (by: TestName, adjusted: number) =>
    significanceText({ kind: 'tested', by, p: adjusted, adjusted, family: 1 });

  it('has a plain yes for what is shown of seeds alone', () => {
    for (const by of ['flips', 't', 'rows', 'row-flips'] as const) {
      const significance = { kind: 'tested', by, p: 0.01, adjusted: 0.01, family: 1 } as const;
      assert.equal(significanceText(significance).startsWith('yes'), isShown(significance), by);
    }
  });

  it('says that a test of rows is of these models', () => {
    assert.equal(
      textOf('row-flips', 0.00001),
      "of these models' rows alone, yes: p below 0.0001 by flips of row signs",
    );
    assert.equal(textOf('rows', 0.11), "of these models' rows alone, not shown: p 0.11 by McNemar, one seed");
    assert.equal(textOf('t', 0.11), 'not shown: p 0.11 by t');
  });
});

describe('what a comparison says', () => {
  it('is tested by t with three to five seeds, and by sign flips with more', () => {
    // R: t.test(c(1, 2, 3, 4, 5) / 100) has p 0.01324.
    const five = significanceOf([0.01, 0.02, 0.03, 0.04, 0.05]);
    assert.ok(five?.kind === 'tested' && five.by === 't' && Math.abs(five.p - 0.01324) < 1e-5);
    const six = significanceOf([0.01, 0.02, 0.03, 0.04, 0.05, 0.06]);
    assert.deepEqual(six, { kind: 'tested', by: 'flips', p: 0.03125, adjusted: 0.03125, family: 1 });
  });

  it('has an interval that ends at 100 points, and says so', () => {
    assert.deepEqual(infer([compared([0.9, -0.9])])[0]?.interval, { low: -1, high: 1 });
    const records = (model_type: 'standard' | 'task_prefix', accuracies: readonly number[]) =>
      accuracies.map((testAccuracy, seed) => succeeded({ model_type, seed }, { testAccuracy }));
    const noteOf = (...accuracies: readonly number[]) =>
      comparisonNote(foldSweep('s', [...records('standard', [0.1, 0.9]), ...records('task_prefix', accuracies)], []));
    assert.match(noteOf(0.9, 0.1), /Intervals end at −100 and 100, beyond which no difference lies\./);
    assert.doesNotMatch(noteOf(0.2, 0.99), /Intervals end at/);
  });

  it('goes by t again where sign flips could show nothing in so large a family', () => {
    const family = (n: number, size: number) =>
      infer(Array.from({ length: size }, () => compared([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08].slice(0, n))));
    const by = (n: number, size: number) =>
      new Set(family(n, size).map(({ significance }) => (significance.kind === 'tested' ? significance.by : '')));
    assert.deepEqual([...by(6, 1)], ['flips']);
    assert.deepEqual([...by(6, 2)], ['t']);
    assert.deepEqual([...by(8, 6)], ['flips']);
    assert.deepEqual([...by(8, 7)], ['t']);
    // More seeds never make a difference harder to show.
    const adjusted = (n: number) =>
      family(n, 4).map(({ significance }) => (significance.kind === 'tested' ? significance.adjusted : 1));
    assert.ok(Math.max(...adjusted(6)) < Math.max(...adjusted(5)));
  });

  it('is corrected for the whole family, and only for those that were tested', () => {
    const [strong, weak, none] = infer([
      compared([0.01, 0.02, 0.03, 0.04, 0.05]),
      compared([0.01, -0.02, 0.03, -0.04, 0.05]),
      compared([0.01, 0.02]),
    ]).map(({ significance }) => significance);
    assert.ok(strong?.kind === 'tested' && Math.abs(strong.adjusted - 2 * strong.p) < 1e-15);
    assert.ok(weak?.kind === 'tested' && weak.adjusted === weak.p);
    assert.deepEqual([strong.family, weak.family], [2, 2]);
    assert.deepEqual(none, { kind: 'untested', reason: '2 seeds cannot show it: flipping signs gives p 0.5 at least' });
  });

  it('is not tested across environments, nor where seeds all differ alike', () => {
    const [mixed] = infer([compared([0.1, 0.2, 0.3], { mixed: { torch: ['2.14.0', '2.15.0'] } })]);
    assert.ok(mixed?.significance.kind === 'untested' && /torch: 2\.14\.0, 2\.15\.0/.test(mixed.significance.reason));
    assert.deepEqual([mixed.interval, mixed.effectSize, mixed.seedsNeeded], [null, null, null]);
    assert.equal(significanceOf([0.4 - 0.3, 0.3 - 0.2, 0.2 - 0.1])?.kind, 'untested');
    assert.deepEqual(significanceOf([0, 0, 0, 0, 0, 0]), { kind: 'untested', reason: 'no seed makes a difference' });
    assert.equal(significanceOf([])?.kind, 'untested');
  });

  it('is tested by sign flips where seeds all differ alike, which says nothing to t alone', () => {
    const alike = significanceOf(Array<number>(10).fill(0.25));
    assert.deepEqual(alike, { kind: 'tested', by: 'flips', p: 2 / 1024, adjusted: 2 / 1024, family: 1 });
    const tooFew = { kind: 'untested', reason: 'all seeds differ alike, which says nothing of their spread' };
    assert.deepEqual(significanceOf(Array<number>(5).fill(0.25)), tooFew);
  });

  it('is corrected for those too that came out so that there is nothing to test', () => {
    const one = compared([0.01, 0.02, 0.03, 0.04, 0.05]);
    const pairs = [{ difference: 0, baseline: bits(40), candidate: bits(40) }];
    const sameRows = compared([0], { pairs });
    const flippedRows = compared([0, 0], { pairs: [...pairs, ...pairs], pairedBy: 'row' });
    const others = [compared([0, 0, 0]), compared([0.5, 0.5, 0.5]), sameRows, flippedRows];
    const [first, ...rest] = infer([one, ...others]).map(({ significance }) => significance);
    assert.deepEqual(
      rest.map(({ kind }) => kind),
      others.map(() => 'untested'),
    );
    assert.ok(first?.kind === 'tested' && first.family === 5);
    assert.ok(Math.abs(first.adjusted - 5 * first.p) < 1e-15);
  });

  it('is of a family, and by a test, that do not follow from how it comes out', () => {
    const outcomes = [
      [0, 0, 0, 0, 0, 0],
      [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
      [0.5, -0.5, 0.25, 0.1, 0.3, -0.2],
    ];
    const found = outcomes.map((other) => infer([compared([0.01, 0.02, 0.03, 0.04, 0.05, 0.06]), compared(other)])[0]);
    const tests = found
      .map((each) => each?.significance)
      .map((each) => (each?.kind === 'tested' ? [each.by, each.family] : []));
    assert.deepEqual(tests, [
      ['t', 2],
      ['t', 2],
      ['t', 2],
    ]);
  });

  it('goes by the rows where there is one seed', () => {
    const pairs = [{ difference: 0.125, baseline: bits(40), candidate: bits(50) }];
    const [found] = infer([compared([0.125], { pairs })]);
    assert.deepEqual(found?.agreement, { rows: 80, both: 40, onlyFirst: 0, onlySecond: 10, neither: 30 });
    assert.ok(found?.significance.kind === 'tested' && found.significance.by === 'rows');
    assert.ok(found.significance.kind === 'tested' && Math.abs(found.significance.p - 2 / 1024) < 1e-12);
    const [unknown] = infer([compared([0.125])]);
    assert.equal(unknown?.significance.kind, 'untested');
  });

  it('has an interval over seeds and rows from ten seeds on, the same each time', () => {
    const random = seededRandom(3);
    const pairs = Array.from({ length: 10 }, () => {
      const [before, after] = [30 + random.below(10), 45 + random.below(10)];
      return { difference: (after - before) / 80, baseline: bits(before), candidate: bits(after) };
    });
    const differences = pairs.map(({ difference }) => difference);
    const once = infer([compared(differences, { pairs })])[0]?.acrossRows;
    assert.ok(once && once.low > 0 && once.low < (sampleOf(differences).mean ?? 0) && once.high < 0.5);
    assert.deepEqual(infer([compared(differences, { pairs })])[0]?.acrossRows, once);
    assert.equal(infer([compared(differences.slice(0, 9), { pairs: pairs.slice(0, 9) })])[0]?.acrossRows, null);
  });
});

describe('a report', () => {
  const trials = (model_type: 'standard' | 'task_prefix', accuracies: readonly number[], torch = '2.15.0') =>
    accuracies.map((testAccuracy, seed) => succeeded({ model_type, seed }, { testAccuracy, environment: { torch } }));

  it('says of each comparison whether it may be chance, by which test, and of how many', () => {
    const records = [
      ...trials('standard', [0.5, 0.52, 0.48, 0.51, 0.49]),
      ...trials('task_prefix', [0.6, 0.63, 0.57, 0.6, 0.6]),
    ];
    const text = reportMarkdown(foldSweep('s', records, []));
    assert.match(text, /\+10\.00 ± 1\.00 \| \+8\.76 to \+11\.24 \| 5 \(5 positive\) \| yes: p below 0\.0001 by t \|/);
    // By hand: a mean of 10 in deviations of 1, times 0.7979 for five pairs; t of 2.776 with 5 seeds is 1.24 points.
    assert.match(text, /\| step-by-step against standard \| 7\.98 \| 7 \|/);
    assert.match(text, /t is used where so few seeds could show nothing by sign flips in so large a family/);
  });

  it('compares what several processes had with what one had, which is the same trial whatever their layout', () => {
    const cells = foldCells([
      ...trials('standard', [0.5, 0.6, 0.4]),
      ...[0.6, 0.7, 0.6].map((testAccuracy, seed) =>
        succeeded(
          { model_type: 'task_prefix', seed },
          { testAccuracy, environment: { torch: '2.15.0', processes: '4' } },
        ),
      ),
    ]);
    const [found] = compareCells(cells);
    assert.equal(found?.inference.significance.kind, 'tested');
  });

  it('does not compare what ran on other versions', () => {
    const cells = foldCells([
      ...trials('standard', [0.5, 0.6, 0.4]),
      ...trials('task_prefix', [0.6, 0.7, 0.6], '2.14.0'),
    ]);
    const [found] = compareCells(cells);
    assert.ok(found?.inference.significance.kind === 'untested');
  });

  it('shows who gets which rows right, where that is known', () => {
    const records = [...trials('standard', [0.5]), ...trials('task_prefix', [0.625])];
    const ids = records.map(({ trial }) => trial.trialId);
    const bitsOf = (trialId: string) => bits(trialId === ids[0] ? 40 : 50);
    const text = reportMarkdown(foldSweep('s', records, [], { bitsOf }));
    assert.match(text, /\| step-by-step against standard \| 80 \| 50\.00 \| 12\.50 \| 0\.00 \| 37\.50 \|/);
    assert.doesNotMatch(reportMarkdown(foldSweep('s', records, [])), /Row by row/);
  });
});
