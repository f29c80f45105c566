import assert from 'node:assert/strict';
import { resultsCsv } from '../../orchestrator/reports/results-csv.js';
import { evaluationOf, failed, NOTHING_MEASURED, settingsOf, succeeded, UNMEASURED } from '../support/records.js';

function table(lines: readonly string[]): readonly Readonly<Record<string, string>>[] {
  const [header = '', ...rows] = lines;
  return rows.map((row) => Object.fromEntries(header.split(',').map((name, i) => [name, row.split(',')[i] ?? ''])));
}

describe('results.csv', () => {
  it('has a row per trial with all settings, metrics and the environment', () => {
    const measured = {
      training: [
        { step: 50, loss: 3 },
        { step: 100, loss: 2 },
      ],
      evaluations: [
        evaluationOf({ step: 50, accuracy: 0.25 }),
        evaluationOf({ step: 100, accuracy: 0.5, loss: 1.5 }),
        evaluationOf({ step: 100, split: 'test', loss: 1.75 }),
      ],
    };
    const [row] = table([...resultsCsv([succeeded({ seed: 3 })], () => measured)]);
    assert.ok(row);
    for (const name of Object.keys(settingsOf())) assert.ok(name in row, `${name} is missing`);
    const { id, ...rest } = row;
    assert.match(id ?? '', /^[0-9a-f]{20}$/);
    assert.deepEqual(
      ['state', 'seed', 'lr', 'test_accuracy', 'test_loss', 'selected_step', 'valid_accuracy', 'valid_loss'].map(
        (name) => rest[name],
      ),
      ['succeeded', '3', '0.00005', '0.5', '1.75', '100', '0.5', '1.5'],
    );
    assert.deepEqual(
      ['last_training_loss', 'evaluations', 'seconds', 'seconds_train', 'environment_torch', 'failure_code'].map(
        (name) => rest[name],
      ),
      ['2', '3', '10', '9', '2', ''],
    );
  });

  it('leaves fields empty that a failed trial has no value for, and says why it failed', () => {
    const rows = table([...resultsCsv([succeeded({}), failed({ seed: 1 })], () => NOTHING_MEASURED)]);
    assert.deepEqual([rows[1]?.['test_accuracy'], rows[1]?.['environment_torch']], ['', '']);
    assert.deepEqual(
      [rows[1]?.['failure_code'], rows[1]?.['failure_message']],
      ['NON_FINITE_LOSS', 'the loss at step 3 is nan'],
    );
  });

  it('has the measures of a trial, and empty fields for those that were not taken', () => {
    const names = ['resumed_step', 'choice_accuracy', 'mfu_useful', 'mfu_padded', 'peak_flops', 'peak_flops_source'];
    const memory = [
      'peak_memory_bytes',
      'predicted_memory_bytes',
      'useful_tokens_per_second',
      'padded_tokens_per_second',
    ];
    const measured = succeeded({}, { choiceAccuracy: 0.25, resumedStep: 50 });
    const rows = table([...resultsCsv([measured, succeeded({ seed: 1 }, UNMEASURED)], () => NOTHING_MEASURED)]);
    assert.deepEqual(
      [...names, ...memory].map((name) => rows[0]?.[name]),
      ['50', '0.25', '0.2', '0.25', '100000000000', 'measured', '1073741824', '1073741824', '8000', '10000'],
    );
    assert.deepEqual(
      [...names, ...memory].map((name) => rows[1]?.[name]),
      ['0', ...Array(9).fill('')],
    );
  });

  it('quotes commas, quotes and line ends', () => {
    const lines = [...resultsCsv([failed({ model: 'a,"b"\nc' })], () => NOTHING_MEASURED)];
    assert.match(lines[1] ?? '', /,"a,""b""\nc",/);
  });

  it('has a header even without trials', () => {
    assert.equal([...resultsCsv([], () => NOTHING_MEASURED)].length, 1);
  });
});
