/** The report's files in a folder. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import { ParquetTable, parquetFile } from '../exports/parquet.js';
import { rowAddresses } from './addresses.js';
import { evaluationColumns, rowsOfTrial } from './evaluation-rows.js';
import { allCharts } from './figures/all-charts.js';
import { figureCsv } from './figures/figure-csv.js';
import { figureSvg } from './figures/figure-svg.js';
import { validationCurves } from './figures/learning-curves.js';
import type { LineChart } from './figures/line-chart.js';
import { reportPage } from './html/report-page.js';
import { evaluationLines, trialLines } from './json-lines.js';
import { figuresLatex } from './latex/figures-latex.js';
import { reportLatex } from './latex/report-latex.js';
import { MANIFEST_NAME, type MadeByCode, manifestValue } from './manifest.js';
import { reportMarkdown } from './report-markdown.js';
import { csvOf } from './results-csv.js';
import { summaryValue } from './summary-json.js';
import type { SweepReport } from './sweep-report.js';
import { settingNames, type TrialColumn, type TrialRow, trialColumns } from './trial-columns.js';
import { type WrittenFile, writeFile } from './write-file.js';

/** Where each is. */
export interface ReportFiles {
  readonly page: string;
  readonly markdown: string;
  readonly csv: string;
  readonly summary: string;
  readonly latex: string;
  readonly latexFigures: string;
  readonly trials: string;
  readonly evaluations: string;
  /** The same two once more. */
  readonly trialsParquet: string;
  readonly evaluationsParquet: string;
  /** A folder; `null`: there is nothing to draw. */
  readonly figures: string | null;
  readonly manifest: string;
}

export interface ReportParts {
  readonly report: SweepReport;
  readonly records: readonly TrialRecord[];
  readonly measured: { measurements(trialId: string): TrialMeasurements };
  /** Of dss. */
  readonly version: string;
  readonly code: MadeByCode;
}

const FIGURES = 'figures';

export async function writeReport(folder: string, parts: ReportParts): Promise<ReportFiles> {
  const { report, records, version, code } = parts;
  const measurementsOf = (trialId: string) => parts.measured.measurements(trialId);
  const curveOf = validationCurves(measurementsOf);
  const charts = allCharts(report, curveOf);
  const columns = trialColumns(records);
  const summary = summaryValue(report);
  // Measurements are read from the disk once for all files; of each trial's the rows keep only a few numbers.
  const rows: TrialRow[] = [];
  const evaluations = new ParquetTable(evaluationColumns(records));
  const texts: readonly (readonly [string, Iterable<string>])[] = [
    [
      'evaluations.jsonl',
      ended(evaluationLines(records, seenBy({ columns, rows, evaluations, records, measurementsOf }))),
    ],
    ['results.csv', ended(csvOf(columns, rows), '\r\n')],
    ['trials.jsonl', ended(trialLines(columns, rows))],
    ['summary.json', [jsonText(summary)]],
    ...charts.flatMap((chart): (readonly [string, Iterable<string>])[] => [
      [`${FIGURES}/${chart.id}.svg`, [figureSvg(chart)]],
      [`${FIGURES}/${chart.id}.csv`, ended(figureCsv(chart), '\r\n')],
    ]),
    ['tables.tex', [reportLatex(report)]],
    ['figures.tex', [figuresLatex(report, charts)]],
    ['report.md', [reportMarkdown(report)]],
    ['report.html', [reportPage({ report, curveOf, version })]],
  ];
  const files = new Map<string, WrittenFile>();
  // Before what fills the memory: they leave much behind.
  for await (const [name, bytes] of pictures(charts, records))
    files.set(name, await writeFile(join(folder, name), bytes));
  for (const [name, text] of texts) files.set(name, await writeFile(join(folder, name), text));
  const tables: readonly (readonly [string, () => Uint8Array])[] = [
    ['trials.parquet', () => parquetFile(columns, rows)],
    ['evaluations.parquet', () => evaluations.bytes()],
  ];
  for (const [name, bytes] of tables) files.set(name, await writeFile(join(folder, name), bytes()));
  await removeFormerFigures(join(folder, FIGURES), new Set(charts.map(({ id }) => id)));
  // Last: it vouches for what is there.
  const addresses = rowAddresses(summary);
  const manifest = manifestValue({ report, records, version, code, addresses, files });
  await writeFile(join(folder, MANIFEST_NAME), [jsonText(manifest)]);
  return {
    page: join(folder, 'report.html'),
    markdown: join(folder, 'report.md'),
    csv: join(folder, 'results.csv'),
    summary: join(folder, 'summary.json'),
    latex: join(folder, 'tables.tex'),
    latexFigures: join(folder, 'figures.tex'),
    trials: join(folder, 'trials.jsonl'),
    evaluations: join(folder, 'evaluations.jsonl'),
    trialsParquet: join(folder, 'trials.parquet'),
    evaluationsParquet: join(folder, 'evaluations.parquet'),
    figures: charts.length === 0 ? null : join(folder, FIGURES),
    manifest: join(folder, MANIFEST_NAME),
  };
}

interface Seen {
  readonly columns: readonly TrialColumn[];
  readonly rows: TrialRow[];
  readonly evaluations: ParquetTable;
  readonly records: readonly TrialRecord[];
  readonly measurementsOf: (trialId: string) => TrialMeasurements;
}

/** Adds a trial's rows whenever its measurements are asked for, which must be once, and in the order of the records. */
function seenBy({ columns, rows, evaluations, records, measurementsOf }: Seen): Seen['measurementsOf'] {
  const names = settingNames(records);
  return (trialId) => {
    const measured = measurementsOf(trialId);
    const record = records[rows.length];
    if (record === undefined) return measured;
    rows.push(columns.map(({ read }) => read(record, measured)));
    for (const row of rowsOfTrial(record, measured, names)) evaluations.add(row);
    return measured;
  };
}

function* ended(lines: Iterable<string>, end = '\n'): Generator<string> {
  for (const line of lines) yield `${line}${end}`;
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Loaded only where there is something to draw: it takes a fifth of a second. */
async function* pictures(
  charts: readonly LineChart[],
  records: readonly TrialRecord[],
): AsyncGenerator<readonly [string, Uint8Array]> {
  if (charts.length === 0) return;
  const { figurePdf } = await import('./figures/figure-pdf.js');
  const newestMs = records.reduce((newest, { endedAtUnixMs }) => Math.max(newest, endedAtUnixMs ?? 0), 0);
  for (const chart of charts) yield [`${FIGURES}/${chart.id}.pdf`, await figurePdf(chart, newestMs)];
}

/** Of a report that was written here before and had more of them; whatever else lies there is somebody's own. */
async function removeFormerFigures(folder: string, ids: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, id] = /^([a-z]+-\d+)\.(?:svg|pdf|csv)$/.exec(name) ?? [];
    if (id !== undefined && !ids.has(id)) await rm(join(folder, name), { force: true });
  }
}
