import assert from 'node:assert/strict';
import { resultsTable } from '../../orchestrator/reports/results-table.js';
import type { Table } from '../../orchestrator/reports/tables.js';
import { failed, succeeded, UNMEASURED } from '../support/records.js';

function byTitle({ columns, rows }: Table): readonly Readonly<Record<string, string>>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ title }, i) => [title, row[i] ?? ''])));
}

describe("the table of a sweep's results", () => {
  it('has a row per trial with its measures', () => {
    const measured = { mfuUseful: 0.3, choiceAccuracy: 0.75, resumedStep: 50 };
    const [row, other] = byTitle(resultsTable([succeeded({ seed: 3 }, measured), failed({ seed: 4 })]));
    assert.deepEqual(
      ['seed', 'state', 'accuracy %', 'choices %', 'step', 'resumed at', 'time'].map((title) => row?.[title]),
      ['3', 'succeeded', '50.00', '75.00', '100', '50', '10.0 s'],
    );
    assert.deepEqual(
      ['examples/s', 'tokens/s', 'MFU %', 'memory'].map((title) => row?.[title]),
      ['80.0', '8,000', '30.00', '1.00 GiB'],
    );
    assert.deepEqual(
      ['state', 'accuracy %', 'choices %', 'resumed at', 'MFU %'].map((title) => other?.[title]),
      ['failed', '–', '–', '–', '–'],
    );
  });

  it('has no column for what none of them measured', () => {
    const titles = resultsTable([succeeded({}, UNMEASURED)]).columns.map(({ title }) => title);
    assert.deepEqual(titles.slice(-4), ['accuracy %', 'step', 'time', 'examples/s']);
  });
});
