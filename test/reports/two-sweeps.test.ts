import assert from 'node:assert/strict';
import type { TrialRecord } from '../../orchestrator/core/records.js';
import type { TestBits } from '../../orchestrator/reports/inference.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { compareSweeps, type SweepSide } from '../../orchestrator/reports/two-sweeps.js';
import { twoSweepsMarkdown, twoSweepsPage, twoSweepsValue } from '../../orchestrator/reports/write-two-sweeps.js';
import { parsedFragment } from '../support/markup.js';
import { succeeded } from '../support/records.js';

function trials(accuracies: readonly number[], settings: object = {}, torch = '2.15.0'): readonly TrialRecord[] {
  return accuracies.map((testAccuracy, seed) =>
    succeeded({ seed, ...settings }, { testAccuracy, environment: { torch } }),
  );
}

function side(sweep: string, records: readonly TrialRecord[], bits: TestBits | null = null): SweepSide {
  return { report: foldSweep(sweep, records, []), records, bitsOf: () => bits };
}

describe('two sweeps side by side', () => {
  const before = side('before', trials([0.5, 0.52, 0.48, 0.51, 0.49], { lr: 1e-3 }));
  const after = side('after', trials([0.6, 0.63, 0.57, 0.6, 0.6], { lr: 1e-4 }));

  it('pair cells that are equal but for what was changed, seed by seed', () => {
    const two = compareSweeps(before, after);
    assert.deepEqual(two.changed, ['lr']);
    const [twin, ...others] = two.twins;
    assert.ok(twin && others.length === 0);
    assert.equal(twin.pairs.length, 5);
    assert.ok(Math.abs((twin.inference?.interval?.low ?? 0) - 0.0876) < 1e-4);
    assert.ok(twin.inference?.significance.kind === 'tested');
    const text = twoSweepsMarkdown(two);
    assert.match(text, /From before to after, lr \(0\.001 → 0\.0001\) changed\./);
    assert.match(
      text,
      /Of 1 cell that both have but for that, 1 differs by more than chance; the difference is \+10\.00 points\./,
    );
    assert.match(text, /\| lr \| 0\.001 \| 0\.0001 \|/);
    assert.match(text, /\| \+10\.00 ± 1\.00 \| \+8\.76 to \+11\.24 \| 5 \| yes: p below 0\.0001 by t \|/);
  });

  it('are not more than chance by the rows of one seed, as in a report', () => {
    const bits = (correct: number): TestBits => ({ rows: 8, correct: Uint8Array.of(correct) });
    const two = compareSweeps(
      side('before', trials([0.5], { lr: 1e-3 }), bits(0)),
      side('after', trials([0.6], { lr: 1e-4 }), bits(255)),
    );
    const significance = two.twins[0]?.inference?.significance;
    assert.ok(significance?.kind === 'tested' && significance.by === 'rows' && significance.adjusted < 0.05);
    assert.match(twoSweepsMarkdown(two), /Of 1 cell that both have but for that, none differs by more than chance; /);
  });

  it('have accuracies that differ by the difference, over the seeds that both have', () => {
    const two = compareSweeps(before, side('after', trials([0.6, 0.63, 0.57], { lr: 1e-4 })));
    assert.match(twoSweepsMarkdown(two), /\| 50\.00 ± 2\.00 \| 60\.00 ± 3\.00 \| \+10\.00 ± 1\.00 \| [^|]* \| 3 \|/);
    const { cells } = twoSweepsValue(two) as { cells: { first: { test_accuracy: { n: number } } }[] };
    assert.equal(cells[0]?.first.test_accuracy.n, 3);
  });

  it('say what the environment was before and after, and test across it: that is the question', () => {
    const two = compareSweeps(before, side('after', trials([0.6, 0.63, 0.57, 0.6, 0.6], { lr: 1e-4 }, '2.16.0')));
    assert.deepEqual(two.environment, [{ name: 'torch', first: ['2.15.0'], second: ['2.16.0'] }]);
    assert.equal(two.twins[0]?.inference?.significance.kind, 'tested');
    assert.match(twoSweepsMarkdown(two), /torch \(2\.15\.0 → 2\.16\.0\)/);
  });

  it('leave what ran in several environments within one of them without a partner', () => {
    const mixed = [...trials([0.6, 0.63], { lr: 1e-4 }), ...trials([0, 0, 0.57], { lr: 1e-4 }, '2.16.0').slice(2)];
    const two = compareSweeps(before, side('after', mixed));
    assert.deepEqual([two.twins.length, two.onlyFirst.length, two.onlySecond.length], [0, 1, 2]);
    assert.match(twoSweepsMarkdown(two), /- after: models\/tiny, cqa, gt, task_prefix, torch 2\.16\.0: 57\.00 %/);
  });

  it('count no cell of which no seed is done in both', () => {
    const later = trials([0.9], { lr: 1e-4 }).map((record) => ({
      ...record,
      trial: { ...record.trial, settings: { ...record.trial.settings, seed: 9 } },
    }));
    assert.doesNotMatch(twoSweepsMarkdown(compareSweeps(before, side('after', later))), /cells? that both have/);
  });

  it('compare nothing where both have the very same trials', () => {
    const two = compareSweeps(before, { ...before, report: { ...before.report, sweep: 'again' } });
    assert.deepEqual([two.difference, two.twins[0]?.isSame, two.twins[0]?.inference], [null, true, null]);
    assert.match(twoSweepsMarkdown(two), /have the same trials/);
  });

  it('name the cells that only one of them has, or that several would fit', () => {
    const more = side('after', [...trials([0.6], { lr: 1e-4 }), ...trials([0.7], { lr: 1e-5 })]);
    const two = compareSweeps(before, more);
    assert.deepEqual([two.twins.length, two.onlyFirst.length, two.onlySecond.length], [0, 1, 2]);
    assert.match(twoSweepsMarkdown(two), /## Without a partner/);
  });

  it('are a page that is well formed, and a document for programs', () => {
    const two = compareSweeps(before, side('a<b>&"', after.records));
    assert.ok(parsedFragment(twoSweepsPage(two, '1.2.3')).length > 0);
    assert.match(twoSweepsPage(two, '1.2.3'), /a&lt;b&gt;&amp;/);
    const value = JSON.parse(JSON.stringify(twoSweepsValue(two)));
    assert.deepEqual(value.changed_settings, ['lr']);
    assert.equal(value.cells[0].by_seed.length, 5);
    assert.equal(value.cells[0].significance.test, 't');
  });
});
