/** What `dss results` prints, or writes to a file. */
import { resolve } from 'node:path';
import { SweepError } from '../../core/errors.js';
import type { TrialRecord } from '../../core/records.js';
import { printable } from '../../core/text.js';
import type { ParquetColumn } from '../../exports/parquet.js';
import { evaluationColumns, evaluationRows } from '../../reports/evaluation-rows.js';
import { markdownTable } from '../../reports/markdown.js';
import { csvOf } from '../../reports/results-csv.js';
import { resultValue } from '../../reports/results-json.js';
import { resultsTable } from '../../reports/results-table.js';
import { type TrialRow, trialColumns, trialRows } from '../../reports/trial-columns.js';
import { writeFile } from '../../reports/write-file.js';
import { collected, type SweepReader, withSweep } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';
import { renderTable } from '../table.js';

type ResultsFormat = 'table' | 'csv' | 'json' | 'md' | 'parquet';

export interface ResultsFlags extends WhereFlags {
  readonly sweep: string;
  readonly format: ResultsFormat | undefined;
  /** A row per logged loss and evaluation, not per trial. */
  readonly evaluations: boolean;
  /** A file; else stdout. */
  readonly out: string | undefined;
  /** What scripts say for `--format json`. */
  readonly json: boolean;
}

type Content = Uint8Array | Iterable<string> | AsyncIterable<string>;

export function showResults({ sweep, json, ...flags }: ResultsFlags): Promise<number> {
  const { format: asked, evaluations, out, ...where } = flags;
  if (json && asked !== undefined && asked !== 'json') {
    throw new SweepError('USAGE', `--json and --format ${asked} ask for two formats`, { hint: 'give one of the two' });
  }
  const format = json ? 'json' : (asked ?? 'table');
  if (evaluations && format !== 'csv' && format !== 'parquet') {
    throw new SweepError('USAGE', `--evaluations: expected --format csv or parquet, got ${format}`, {
      hint: '--format json has them already',
    });
  }
  if (format === 'parquet' && out === undefined && process.stdout.isTTY) {
    throw new SweepError('USAGE', 'a Parquet file is nothing for a terminal to show', {
      hint: 'name a file with --out, or send it on with > or |',
    });
  }
  return withSweep(where, sweep, async (reader) => {
    const content = await contentOf(format, reader, sweep, evaluations);
    if (out !== undefined) await writeFile(resolve(out), content);
    else await writeOut(content, format);
    return 0;
  });
}

async function contentOf(
  format: ResultsFormat,
  reader: SweepReader,
  sweep: string,
  evaluations: boolean,
): Promise<Content> {
  switch (format) {
    case 'table':
      return [`${renderTable(await tableOf(reader, sweep))}\n`];
    case 'md':
      return [`${markdownTable(await tableOf(reader, sweep))}\n`];
    case 'csv': {
      const { columns, rows } = await rowsOf(reader, sweep, evaluations);
      return ended(csvOf(columns, rows), '\r\n');
    }
    case 'json':
      return jsonPieces(reader, sweep);
    case 'parquet': {
      const [{ parquetFile }, { columns, rows }] = await Promise.all([
        import('../../exports/parquet.js'),
        rowsOf(reader, sweep, evaluations),
      ]);
      return parquetFile(columns, rows);
    }
  }
}

/** A file gets the data as they are, a terminal nothing that steers it. JSON escapes control characters itself. */
async function writeOut(content: Content, format: ResultsFormat): Promise<void> {
  if (content instanceof Uint8Array) {
    process.stdout.write(content);
    return;
  }
  const isForPeople = format === 'table' || format === 'md' || (format === 'csv' && process.stdout.isTTY);
  for await (const piece of content) process.stdout.write(isForPeople ? printable(piece) : piece);
}

async function tableOf(reader: SweepReader, sweep: string) {
  return resultsTable(await collected(reader.trials(sweep)));
}

interface Rows {
  readonly columns: readonly ParquetColumn[];
  readonly rows: Iterable<TrialRow>;
}

async function rowsOf(reader: SweepReader, sweep: string, evaluations: boolean): Promise<Rows> {
  // All of them before the first row: the header names whatever any of them has.
  const records: readonly TrialRecord[] = await collected(reader.trials(sweep));
  const measured = await reader.measured(sweep);
  const measurementsOf = (trialId: string) => measured.measurements(trialId);
  if (evaluations) return { columns: evaluationColumns(records), rows: evaluationRows(records, measurementsOf) };
  const columns = trialColumns(records);
  return { columns, rows: trialRows(columns, records, measurementsOf) };
}

/** One trial at a time: a large sweep's text need not lie in memory together. */
async function* jsonPieces(reader: SweepReader, sweep: string): AsyncGenerator<string> {
  const measured = await reader.measured(sweep);
  let before = '[\n';
  for await (const record of reader.trials(sweep)) {
    yield before + JSON.stringify(resultValue(record, measured.measurements(record.trial.trialId)));
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}

function* ended(lines: Iterable<string>, end: string): Generator<string> {
  for (const line of lines) yield `${line}${end}`;
}
