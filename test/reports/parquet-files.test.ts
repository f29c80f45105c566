/** What a Parquet file holds is read back by pandas in test/exports; here, that a report's files are of all its rows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parquetFile } from '../../orchestrator/exports/parquet.js';
import { evaluationColumns, evaluationRows } from '../../orchestrator/reports/evaluation-rows.js';
import { trialColumns, trialRows } from '../../orchestrator/reports/trial-columns.js';
import { writeReport } from '../../orchestrator/reports/write-report.js';
import { temporaryFolder } from '../support/dss.js';
import { reportParts } from '../support/report-sweep.js';

describe("a report's Parquet files", () => {
  it('have every trial, and every loss and evaluation', async () => {
    using folder = temporaryFolder();
    const parts = reportParts();
    const { trialsParquet, evaluationsParquet } = await writeReport(folder.path, parts);
    const { records } = parts;
    const measurementsOf = (trialId: string) => parts.measured.measurements(trialId);
    assert.ok([...evaluationRows(records, measurementsOf)].length > records.length);
    const wanted = [
      parquetFile(trialColumns(records), trialRows(trialColumns(records), records, measurementsOf)),
      parquetFile(evaluationColumns(records), evaluationRows(records, measurementsOf)),
    ];
    const found = [trialsParquet, evaluationsParquet].map((path) => readFileSync(path));
    assert.deepEqual(
      found.map((bytes, place) => bytes.equals(wanted[place] ?? new Uint8Array())),
      [true, true],
    );
  });
});
