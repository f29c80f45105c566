/** What `dss results` prints. */
import { SweepError } from '../core/errors.js';
import { printable } from '../core/text.js';
import { markdownTable } from '../reports/report-markdown.js';
import { resultsCsv } from '../reports/results-csv.js';
import { resultValue } from '../reports/results-json.js';
import { resultsTable } from '../reports/results-table.js';
import type { WhereFlags } from './find-server.js';
import { print } from './output.js';
import { collected, type SweepReader, withSweep } from './sweep-reader.js';
import { renderTable } from './table.js';

type ResultsFormat = 'table' | 'csv' | 'json' | 'md';

export interface ResultsFlags extends WhereFlags {
  readonly sweep: string;
  readonly format: ResultsFormat | undefined;
  /** What scripts say for `--format json`. */
  readonly json: boolean;
}

const SHOW: Readonly<Record<ResultsFormat, (reader: SweepReader, sweep: string) => Promise<void>>> = {
  table: async (reader, sweep) => print(renderTable(await tableOf(reader, sweep))),
  md: async (reader, sweep) => print(markdownTable(await tableOf(reader, sweep))),
  csv: showCsv,
  json: showJson,
};

export function showResults({ sweep, format, json, ...where }: ResultsFlags): Promise<number> {
  if (json && format !== undefined && format !== 'json') {
    throw new SweepError('USAGE', `--json and --format ${format} ask for two formats`, { hint: 'give one of the two' });
  }
  return withSweep(where, sweep, async (reader) => {
    await SHOW[json ? 'json' : (format ?? 'table')](reader, sweep);
    return 0;
  });
}

async function tableOf(reader: SweepReader, sweep: string) {
  return resultsTable(await collected(reader.trials(sweep)));
}

async function showCsv(reader: SweepReader, sweep: string): Promise<void> {
  // All of them before the first line: the header names whatever any of them has.
  const records = await collected(reader.trials(sweep));
  const measured = await reader.measured(sweep);
  // A file gets the data as they are, a terminal nothing that steers it.
  const shown = (line: string) => (process.stdout.isTTY ? printable(line) : line);
  for (const line of resultsCsv(records, (trialId) => measured.measurements(trialId))) {
    process.stdout.write(`${shown(line)}\r\n`);
  }
}

async function showJson(reader: SweepReader, sweep: string): Promise<void> {
  const measured = await reader.measured(sweep);
  // One trial at a time: a large sweep's text need not lie in memory together.
  let before = '[\n';
  for await (const record of reader.trials(sweep)) {
    process.stdout.write(before + JSON.stringify(resultValue(record, measured.measurements(record.trial.trialId))));
    before = ',\n';
  }
  process.stdout.write(before === '[\n' ? '[]\n' : '\n]\n');
}
