import assert from 'node:assert/strict';
import { planAgain } from '../../orchestrator/cli/readers/planned-again.js';
import { reportMarkdown } from '../../orchestrator/reports/report-markdown.js';
import { foldSweep } from '../../orchestrator/reports/sweep-report.js';
import { plannedTable } from '../../orchestrator/reports/tables.js';
import { succeeded } from '../support/records.js';

describe('what was planned beside what was seen', () => {
  it('is shown by cell, time and memory, by the medians over seeds', () => {
    const records = [10, 20, 40].map((seconds, seed) =>
      succeeded({ seed }, { seconds, predictedMemoryBytes: 2 ** 31, peakMemoryBytes: 2 ** 30 }),
    );
    const report = foldSweep('s', records, [], { plannedSecondsOf: () => 10 });
    const [row = []] = plannedTable(report).rows;
    assert.deepEqual(row.slice(-7), ['3', '10.0 s', '20.0 s', '2.00', '2.00 GiB', '1.00 GiB', '0.50']);
    assert.match(reportMarkdown(report), /## Planned against seen/);
  });

  it('leaves out what went on from a checkpoint, and cells of which nothing was planned', () => {
    const resumed = foldSweep('s', [succeeded({}, { resumedStep: 50 })], [], { plannedSecondsOf: () => 10 });
    assert.deepEqual(plannedTable(resumed).rows, []);
    const unknown = foldSweep('s', [succeeded({}, { predictedMemoryBytes: 0 })], []);
    assert.deepEqual(plannedTable(unknown).rows, []);
  });

  it('plans a cell by what the others measured, never by itself', async () => {
    const environment = { device_name: 'a processor' };
    const model = 'google/t5-v1_1-small';
    const cell = (seed: number, changes: object, seconds: number) => {
      const record = succeeded(
        { model, seed, ...changes },
        { environment, seconds, mfuUseful: 0.5, peakFlops: 1e11, secondsByPhase: { train: seconds - 2, evaluate: 1 } },
      );
      // Not on disk: its sizes are those that the name stands for.
      return { ...record, trial: { ...record.trial, model: { directory: '', files: [] } } };
    };
    const one = await planAgain([cell(0, {}, 100), cell(1, {}, 100)]);
    assert.equal(one.plannedSecondsOf(cell(0, {}, 100)), null);
    assert.equal(one.parametersOf(model), 76_961_152);
    const two = await planAgain([cell(0, {}, 100), cell(0, { lr: 1 }, 100)]);
    assert.ok((two.plannedSecondsOf(cell(0, {}, 100)) ?? 0) > 1);
  });
});
