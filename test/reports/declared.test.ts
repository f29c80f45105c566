import assert from 'node:assert/strict';
import type { TrialRecord } from '../../orchestrator/core/records.js';
import type { DeclaredComparison } from '../../orchestrator/core/sweep/compare-section.js';
import type { SweepHistory } from '../../orchestrator/core/sweep/sweep-history.js';
import { answerOf } from '../../orchestrator/reports/answer.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { foldSweep, type SweepReport } from '../../orchestrator/reports/sweep-report.js';
import { failed, succeeded } from '../support/records.js';

const METHODS: DeclaredComparison = {
  setting: 'model_type',
  values: ['task_prefix', 'standard'],
  where: {},
  pairedBy: 'seed',
};

/** Seeds that differ by 3, 4, 5, … points, so that t is the same in each. */
function trials(dataset: string, n = 5, better = 0.03): readonly TrialRecord[] {
  return Array.from({ length: n }, (_, seed) => [
    succeeded({ dataset, model_type: 'standard', seed }, { testAccuracy: 0.5 }),
    succeeded({ dataset, seed }, { testAccuracy: 0.5 + better + seed / 100 }),
  ]).flat();
}

function reportOf(
  records: readonly TrialRecord[],
  comparisons: readonly DeclaredComparison[],
  { atUnixMs = 0, has = () => true }: { atUnixMs?: number; has?: (trialId: string) => boolean } = {},
): SweepReport {
  return foldSweep('s', records, [], { declarations: [{ sweep: 's', comparisons, atUnixMs, has }] });
}

const adjusted = ({ comparisons }: SweepReport) =>
  comparisons.map(({ isDeclared, inference: { significance } }) => [
    isDeclared,
    significance.kind === 'tested' ? significance.adjusted / significance.p : null,
  ]);

describe('a declared family of comparisons', () => {
  const both = [...trials('cqa'), ...trials('svamp')];

  it('is corrected by itself, and what else there is by itself too', () => {
    assert.deepEqual(adjusted(foldSweep('s', both, [])), [
      [false, 2],
      [false, 2],
    ]);
    assert.deepEqual(adjusted(reportOf(both, [{ ...METHODS, where: { dataset: ['svamp'] } }])), [
      [true, 1],
      [false, 1],
    ]);
  });

  it('counts those that could not be tested: which they are is known only afterwards', () => {
    const report = reportOf([...trials('cqa'), ...trials('svamp', 2)], [METHODS]);
    assert.deepEqual(adjusted(report), [
      [true, 2],
      [true, null],
    ]);
  });

  it('holds one value of any setting against another, where all else is equal', () => {
    const at = (lr: number, seed: number, testAccuracy: number) => succeeded({ lr, seed }, { testAccuracy });
    const records = [0, 1, 2].flatMap((seed) => [at(1e-3, seed, 0.5), at(1e-4, seed, 0.6 + seed / 100)]);
    const { comparisons } = reportOf(records, [{ setting: 'lr', values: [1e-4, 1e-3], where: {}, pairedBy: 'seed' }]);
    assert.deepEqual(
      comparisons.map(({ candidate, baseline, pairs }) => [candidate.settings.lr, baseline.settings.lr, pairs.length]),
      [[1e-4, 1e-3, 3]],
    );
    assert.match(reportMarkdown(reportOf(records, [])), /does not say|is not among these cells/);
  });

  it('takes what has no meaning for one of the two for equal', () => {
    const records = [succeeded({ model_type: 'standard' }), succeeded({ alpha: 0.3 }), succeeded({ alpha: 0.5 })];
    const { comparisons } = reportOf(records, [{ ...METHODS, where: { alpha: [0.3] } }]);
    assert.deepEqual(
      comparisons.map(({ isDeclared, candidate }) => [isDeclared, candidate.settings.alpha]),
      [
        [true, 0.3],
        [false, 0.5],
      ],
    );
  });

  it('is one comparison where entries overlap', () => {
    assert.equal(reportOf(both, [METHODS, { ...METHODS, where: { dataset: ['cqa'] } }]).comparisons.length, 2);
  });

  it('is of the cells of its own sweep alone', () => {
    const own = new Set(both.filter(({ trial }) => trial.settings.dataset === 'cqa').map(({ trial }) => trial.trialId));
    const { comparisons } = reportOf(both, [METHODS], { has: (trialId) => own.has(trialId) });
    assert.deepEqual(
      comparisons.map(({ isDeclared }) => isDeclared),
      [true, false],
    );
  });

  it('is tested by rows where it says so, whatever the number of seeds', () => {
    const bits = { rows: 8, correct: Uint8Array.of(0b1111_1111) };
    const none = { rows: 8, correct: Uint8Array.of(0) };
    const records = trials('cqa', 2);
    const standard = new Set(
      records.filter(({ trial }) => trial.settings.model_type === 'standard').map(({ trial }) => trial.trialId),
    );
    const report = foldSweep('s', records, [], {
      bitsOf: (trialId) => (standard.has(trialId) ? none : bits),
      declarations: [{ sweep: 's', comparisons: [{ ...METHODS, pairedBy: 'row' }], atUnixMs: 0, has: () => true }],
    });
    // All eight rows, of either seed, go one way: 2 of 256 choices of signs.
    const { significance } = report.comparisons[0]?.inference ?? {};
    assert.ok(significance?.kind === 'tested' && significance.by === 'row-flips');
    assert.ok(Math.abs(significance.p - 2 / 256) < 1e-12 && significance.adjusted === significance.p);
    // It says nothing of other seeds, and so not that one method is better.
    assert.match(reportMarkdown(report), /nothing of other seeds/);
    assert.match(
      answerOf(report)[0] ?? '',
      /, and these models differ on the test rows, which says nothing of other seeds\.$/,
    );
  });
});

describe('a report on what was declared', () => {
  it('says that it was so before the run', () => {
    const report = reportOf(trials('cqa'), [METHODS]);
    assert.match(reportMarkdown(report), /The sweep file declared 1 comparison before the run; .* exactly that one/);
    assert.match(
      answerOf(reportOf([...trials('cqa'), ...trials('svamp')], [METHODS])).join(),
      /2 comparisons with standard training that were declared before the run/,
    );
  });

  it('does not say so of what was declared when results were there', () => {
    const records = trials('cqa');
    const endedAt = Math.max(...records.map(({ endedAtUnixMs }) => endedAtUnixMs ?? 0));
    const report = reportOf(records, [METHODS], { atUnixMs: endedAt + 1 });
    assert.match(reportMarkdown(report), /when all of their 10 trials had ended already, so not before the run/);
    assert.match(reportMarkdown(reportOf(records, [METHODS], { atUnixMs: endedAt })), /1 comparison before the run;/);
  });

  it('tells all results from some', () => {
    const records = [...trials('cqa'), ...trials('svamp')];
    const ended = records.map(({ endedAtUnixMs }) => endedAtUnixMs ?? 0);
    const late = records.map((record, place) => (place < 5 ? record : { ...record, endedAtUnixMs: 1e6 }));
    const atUnixMs = Math.max(...ended) + 1;
    assert.match(
      answerOf(reportOf(records, [METHODS], { atUnixMs })).join(),
      /that were declared when all results were there/,
    );
    const some = reportOf(late, [METHODS], { atUnixMs });
    assert.match(answerOf(some).join(), /that were declared when some results were there/);
    assert.match(reportMarkdown(some), /when 5 of their 20 trials had ended already/);
  });

  const both = [...trials('cqa'), ...trials('svamp')];
  const withHistory = (history: SweepHistory | null) =>
    foldSweep('s', both, [], {
      declarations: [{ sweep: 's', comparisons: [METHODS], atUnixMs: 0, has: () => true, history }],
    });
  const STOOD: SweepHistory = { declaredAtUnixMs: 0, changed: null, extensions: [], firstEndedUnixMs: {} };

  it('keeps that it was before the run though others were declared in between, and says that too', () => {
    const report = withHistory({ ...STOOD, changed: { times: 2, backAtUnixMs: 1e9 } });
    assert.match(
      reportMarkdown(report),
      /declared 2 comparisons before the run; .* others, or none, 2 times; these came back when all 20 trials had ended\./,
    );
    assert.match(
      answerOf(report).join(),
      /declared before the run, changed since, and declared again when all results were there/,
    );
    const early = withHistory({ ...STOOD, changed: { times: 1, backAtUnixMs: 0 } });
    assert.match(reportMarkdown(early), /others, or none, once; these came back before the run\./);
    assert.match(answerOf(early).join(), /that were declared before the run, /);
    assert.doesNotMatch(answerOf(early).join(), /changed since/);
  });

  it('says that trials were added when results were there', () => {
    const report = withHistory({ ...STOOD, extensions: [{ added: 8, had: 12, ended: 12 }] });
    assert.match(
      reportMarkdown(report),
      /The sweep was extended by 8 trials when all 12 that it had by then had ended; p takes no account of a look/,
    );
    assert.match(answerOf(report).join(), /declared before the run, with trials added after results were there/);
    const some = withHistory({ ...STOOD, extensions: [{ added: 1, had: 12, ended: 3 }] });
    assert.match(reportMarkdown(some), /by 1 trial when 3 of the 12 that it had by then had ended/);
  });

  it('counts a result that was there before its trial was run again', () => {
    const first = both[0]?.trial.trialId ?? '';
    const declaration = { sweep: 's', comparisons: [METHODS], atUnixMs: 500, has: () => true };
    const late = both.map((record) => ({ ...record, endedAtUnixMs: 1e9 }));
    const seen = (history: SweepHistory) =>
      foldSweep('s', late, [], { declarations: [{ ...declaration, history }] }).declared?.endedBefore;
    assert.equal(seen(STOOD), 0);
    assert.equal(seen({ ...STOOD, firstEndedUnixMs: { [first]: 400 } }), 1);
  });

  it('does not pretend to know what nobody told', () => {
    assert.match(
      reportMarkdown(withHistory(null)),
      /the sweep was extended after results were there, is told only beside/,
    );
    assert.doesNotMatch(reportMarkdown(withHistory(STOOD)), /is told only beside/);
  });

  it('says which comparisons are exploratory', () => {
    const records = [...trials('cqa'), ...trials('svamp')];
    const text = reportMarkdown(reportOf(records, [{ ...METHODS, where: { dataset: ['svamp'] } }]));
    assert.match(text, /Exploratory: 1 comparison that nobody declared/);
    assert.match(text, /\| declared \| models\/tiny \| svamp \|/);
    assert.match(text, /\| exploratory \| models\/tiny \| cqa \|/);
    assert.match(answerOf(reportOf(records, [{ ...METHODS, where: { dataset: ['svamp'] } }])).join(), /^On svamp/);
  });

  it('names an entry that no two cells are compared by', () => {
    const lr: DeclaredComparison = { setting: 'lr', values: [1, 2, 3], where: { dataset: ['cqa'] }, pairedBy: 'seed' };
    const text = reportMarkdown(reportOf(trials('cqa'), [METHODS, lr]));
    assert.match(text, /No two cells differ in this alone: lr 1 and 2 against 3 where dataset is cqa\./);
  });

  it('names one whose trials failed: it was declared all the same', () => {
    const { comparisons } = reportOf([succeeded({ model_type: 'standard' }), failed({})], [METHODS]);
    assert.deepEqual(
      comparisons.map(({ isDeclared, inference }) => [isDeclared, inference.significance.kind]),
      [[true, 'untested']],
    );
  });
});
