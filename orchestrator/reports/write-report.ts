/** The report's files in a folder. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import { allCharts } from './figures/all-charts.js';
import { figureCsv } from './figures/figure-csv.js';
import { figureSvg } from './figures/figure-svg.js';
import type { CurvePoint } from './figures/learning-curves.js';
import { reportPage } from './html/report-page.js';
import { evaluationLines, trialLines } from './json-lines.js';
import { reportLatex } from './latex/report-latex.js';
import { MANIFEST_NAME, manifestValue } from './manifest.js';
import { reportMarkdown } from './report-markdown.js';
import { csvOf } from './results-csv.js';
import { summaryValue } from './summary-json.js';
import type { SweepReport } from './sweep-report.js';
import { trialColumns, trialRows } from './trial-columns.js';
import { type WrittenFile, writeFile } from './write-file.js';

/** Where each is. */
export interface ReportFiles {
  readonly page: string;
  readonly markdown: string;
  readonly csv: string;
  readonly summary: string;
  readonly latex: string;
  readonly trials: string;
  readonly evaluations: string;
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
}

const FIGURES = 'figures';

export async function writeReport(folder: string, parts: ReportParts): Promise<ReportFiles> {
  const { report, records, version } = parts;
  const measurementsOf = (trialId: string) => parts.measured.measurements(trialId);
  const curveOf = remembered((trialId) => validCurve(measurementsOf(trialId)));
  const charts = allCharts(report, curveOf);
  // For two files; of the measurements each row has only a few numbers.
  const columns = trialColumns(records);
  const rows = [...trialRows(columns, records, measurementsOf)];
  const texts: readonly (readonly [string, Iterable<string>])[] = [
    ['results.csv', ended(csvOf(columns, rows), '\r\n')],
    ['trials.jsonl', ended(trialLines(columns, rows))],
    ['evaluations.jsonl', ended(evaluationLines(records, measurementsOf))],
    ['summary.json', [jsonText(summaryValue(report))]],
    ...charts.flatMap((chart): (readonly [string, Iterable<string>])[] => [
      [`${FIGURES}/${chart.id}.svg`, [figureSvg(chart)]],
      [`${FIGURES}/${chart.id}.csv`, ended(figureCsv(chart), '\r\n')],
    ]),
    ['tables.tex', [reportLatex(report)]],
    ['report.md', [reportMarkdown(report)]],
    ['report.html', [reportPage({ report, curveOf, version })]],
  ];
  const files = new Map<string, WrittenFile>();
  for (const [name, text] of texts) files.set(name, await writeFile(join(folder, name), text));
  await removeFormerFigures(join(folder, FIGURES), new Set(charts.map(({ id }) => id)));
  // Last: it vouches for what is there.
  await writeFile(join(folder, MANIFEST_NAME), [jsonText(manifestValue({ report, records, version, files }))]);
  return {
    page: join(folder, 'report.html'),
    markdown: join(folder, 'report.md'),
    csv: join(folder, 'results.csv'),
    summary: join(folder, 'summary.json'),
    latex: join(folder, 'tables.tex'),
    trials: join(folder, 'trials.jsonl'),
    evaluations: join(folder, 'evaluations.jsonl'),
    figures: charts.length === 0 ? null : join(folder, FIGURES),
    manifest: join(folder, MANIFEST_NAME),
  };
}

function validCurve({ evaluations }: TrialMeasurements): readonly CurvePoint[] {
  return evaluations.filter(({ split }) => split === 'valid').map(({ step, accuracy }) => ({ step, accuracy }));
}

/** The page and the figures ask for the same few curves, and each is read from the disk. */
function remembered<T>(read: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}

function* ended(lines: Iterable<string>, end = '\n'): Generator<string> {
  for (const line of lines) yield `${line}${end}`;
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Of a report that was written here before and had more of them; whatever else lies there is somebody's own. */
async function removeFormerFigures(folder: string, ids: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, id] = /^([a-z]+-\d+)\.(?:svg|csv)$/.exec(name) ?? [];
    if (id !== undefined && !ids.has(id)) await rm(join(folder, name), { force: true });
  }
}
