import assert from 'node:assert/strict';
import type { TrialMeasurements, TrialRecord } from '../../orchestrator/core/records.js';
import { evaluationLines, trialLines } from '../../orchestrator/reports/json-lines.js';
import { trialColumns, trialRows } from '../../orchestrator/reports/trial-columns.js';
import { evaluationOf, failed, NOTHING_MEASURED, settingsOf, succeeded } from '../support/records.js';
import { MEASURED } from '../support/report-sweep.js';

const parsed = (lines: Iterable<string>): Record<string, unknown>[] => [...lines].map((line) => JSON.parse(line));

function linesOf(records: readonly TrialRecord[], measured: TrialMeasurements): Record<string, unknown>[] {
  const columns = trialColumns(records);
  return parsed(
    trialLines(
      columns,
      trialRows(columns, records, () => measured),
    ),
  );
}

describe('trials.jsonl', () => {
  it('has a flat object per trial, with its settings, its result and what it ran on', () => {
    const [line, ...others] = linesOf([succeeded({ seed: 3 })], MEASURED);
    assert.deepEqual(others, []);
    assert.ok(line);
    const settings = settingsOf({ seed: 3 });
    assert.deepEqual(Object.fromEntries(Object.keys(settings).map((name) => [name, line[name]])), settings);
    assert.deepEqual(
      ['state', 'test_accuracy', 'test_loss', 'mfu_useful', 'seconds_train', 'environment_torch'].map(
        (name) => line[name],
      ),
      ['succeeded', 0.5, 1.5, 0.2, 9, '2'],
    );
    assert.ok(Object.values(line).every((value) => value === null || typeof value !== 'object'));
  });

  it('has the same fields for every trial, null where a failed one has no value', () => {
    const [done, broken] = linesOf([succeeded({}), failed({ seed: 1 })], NOTHING_MEASURED);
    assert.deepEqual(Object.keys(broken ?? {}), Object.keys(done ?? {}));
    assert.deepEqual([broken?.['test_accuracy'], broken?.['failure_code']], [null, 'NON_FINITE_LOSS']);
  });
});

describe('evaluations.jsonl', () => {
  it("has every training point and evaluation, each with its trial's settings", () => {
    const records = [succeeded({}), succeeded({ seed: 1 })];
    const lines = parsed(evaluationLines(records, () => MEASURED));
    assert.deepEqual(
      lines.map(({ seed, kind, split, step, loss }) => [seed, kind, split, step, loss]),
      [0, 1].flatMap((seed) => [
        [seed, 'training', 'train', 50, 3],
        [seed, 'training', 'train', 100, 2.5],
        [seed, 'evaluation', 'valid', 50, 1.25],
        [seed, 'evaluation', 'valid', 100, 1.25],
        [seed, 'evaluation', 'test', 100, 1.5],
      ]),
    );
    assert.deepEqual(lines[7]?.['id'], records[1]?.trial.trialId);
    assert.deepEqual([lines[2]?.['accuracy'], lines[2]?.['rows'], lines[0]?.['accuracy']], [0.25, 2, null]);
    for (const name of Object.keys(settingsOf()))
      assert.ok(
        lines.every((line) => name in line),
        name,
      );
  });

  const words: readonly (readonly [number, string])[] = [
    [Number.NaN, 'not a number'],
    [Number.POSITIVE_INFINITY, 'infinity'],
    [Number.NEGATIVE_INFINITY, 'minus infinity'],
  ];
  for (const [loss, word] of words) {
    it(`says ${word} for a loss that JSON has no number for`, () => {
      const measured = { training: [{ step: 1, loss }], evaluations: [evaluationOf({ loss })] };
      const lines = parsed(evaluationLines([failed({})], () => measured));
      assert.deepEqual(
        lines.map((line) => [line['loss'], line['loss_word']]),
        [
          [null, word],
          [null, word],
        ],
      );
    });
  }

  it('asks for one trial after the other, and for none before its lines are wanted', () => {
    const asked: string[] = [];
    const records = [succeeded({}), succeeded({ seed: 1 })];
    const lines = evaluationLines(records, (trialId) => {
      asked.push(trialId);
      return MEASURED;
    });
    assert.deepEqual(asked, []);
    lines.next();
    assert.deepEqual(asked, [records[0]?.trial.trialId]);
  });
});
