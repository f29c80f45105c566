/** The report's files in a folder. Each is written beside its name and moved there: a reader sees old or new. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalReader, TrialRecord } from '../journal/journal.js';
import { reportMarkdown } from './report-markdown.js';
import { resultsCsv } from './results-csv.js';
import { summaryValue } from './summary-json.js';
import type { SweepReport } from './sweep-report.js';

export interface ReportFiles {
  readonly markdown: string;
  readonly csv: string;
  readonly summary: string;
}

export async function writeReport(
  folder: string,
  report: SweepReport,
  records: readonly TrialRecord[],
  journal: Pick<JournalReader, 'measurements'>,
): Promise<ReportFiles> {
  await mkdir(folder, { recursive: true });
  const files = {
    markdown: join(folder, 'report.md'),
    csv: join(folder, 'results.csv'),
    summary: join(folder, 'summary.json'),
  };
  await replace(files.csv, csvText(records, journal));
  await replace(files.summary, [`${JSON.stringify(summaryValue(report), null, 2)}\n`]);
  await replace(files.markdown, [reportMarkdown(report)]);
  return files;
}

function* csvText(records: readonly TrialRecord[], journal: Pick<JournalReader, 'measurements'>): Generator<string> {
  for (const line of resultsCsv(records, (trialId) => journal.measurements(trialId))) yield `${line}\r\n`;
}

async function replace(path: string, text: Iterable<string>): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    const file = await open(beside, 'wx');
    try {
      for (const part of text) await file.appendFile(part);
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (reason) {
    await rm(beside, { force: true });
    throw reason;
  }
}
