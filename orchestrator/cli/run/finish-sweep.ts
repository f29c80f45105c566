/** How a sweep ends for its reader: the table, where the files are, what failed and why. */
import { join } from 'node:path';
import { diskTroubleOf } from '../../core/disk-trouble.js';
import { EXIT_STATUS, SweepError } from '../../core/errors.js';
import { shortList } from '../../core/text.js';
import { comparedTexts, comparisonTable } from '../../reports/comparison-tables.js';
import { capitalized, counted, duration } from '../../reports/format.js';
import { grouped } from '../../reports/grouped.js';
import { correctionNote } from '../../reports/notes.js';
import { summaryValue } from '../../reports/summary-json.js';
import type { SweepReport } from '../../reports/sweep-report.js';
import { cellTable, missingLines, teacherTable } from '../../reports/tables.js';
import { leftOutTexts } from '../../reports/teacher-of.js';
import { type ReportFiles, writeReport } from '../../reports/write-report.js';
import { resolveHome } from '../environment.js';
import { note, noteWithHint, painterFor, print, printJson } from '../output.js';
import { type LoadedReport, loadReport } from '../readers/load-report.js';
import { withSweep } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';
import { renderTable } from '../table.js';
import { ownVersion } from '../version.js';

const CAUSES_SHOWN = 10;
const SHORT_ID = 8;

export async function finishSweep(
  sweep: string,
  { json, ...where }: WhereFlags & { readonly json: boolean },
): Promise<number> {
  const home = resolveHome(where.home);
  const { report, files, standing } = await withSweep(where, sweep, async (reader, { standing }) => {
    const loaded = await loadReport(reader, [sweep], home);
    // Before the files, which a disk may refuse.
    if (!json) print(reportText(loaded.report));
    const files = await writtenOrWhy(join(home, 'reports', sweep), loaded);
    return { report: loaded.report, standing, files };
  });
  if (json) printJson({ ...summaryValue(report), files: files instanceof SweepError ? null : files });
  if (files instanceof SweepError) tellUnwritten(files, sweep);
  else tellFiles(files, sweep);
  tellFailures(report);
  if (standing.state === 'paused') note(`paused: ${standing.reason}; \`dss resume ${sweep}\` goes on`);
  if (report.counts.succeeded < report.total) return EXIT_STATUS.TRIALS_FAILED;
  return files instanceof SweepError ? files.exitStatus : 0;
}

/** What the disk refuses costs the files, and no result. */
async function writtenOrWhy(folder: string, loaded: LoadedReport): Promise<ReportFiles | SweepError> {
  try {
    return await writeReport(folder, { ...loaded, version: ownVersion() });
  } catch (reason) {
    if (diskTroubleOf(reason) === null) throw reason;
    return SweepError.from(reason);
  }
}

function tellUnwritten({ message, hint }: SweepError, sweep: string): void {
  note(`the report's files could not be written: ${message}\n  ${hint}`);
  note(`\`dss report ${sweep} --out DIR\` writes them elsewhere`);
}

/** The report for a terminal. */
function reportText(report: SweepReport): string {
  const { counts, total, comparisons, teachers, trialSeconds, mixedEnvironment } = report;
  const missing = missingLines(report);
  const blocks = [
    `Test accuracy, mean ± sample standard deviation over seeds, in percent:\n\n${renderTable(cellTable(report))}`,
    ...(missing.length > 0
      ? [['Seeds without a result, left out above:', ...missing.map((each) => `  ${each}`)].join('\n')]
      : []),
    ...(comparisons.length > 0
      ? [
          `${capitalized(minusText(report))}, paired by seed, in points:\n\n${renderTable(comparisonTable(report))}`,
          correctionNote(report),
        ]
      : []),
    ...(teachers.length > 0 ? [`The teacher itself:\n\n${renderTable(teacherTable(teachers))}`] : []),
    ...leftOutTexts(report.teachersLeftOut),
    ...Object.entries(mixedEnvironment).map(
      ([name, values]) => `note: trials ran under different ${name}: ${values.join(', ')}`,
    ),
    `${counts.succeeded} of ${counted(total, 'trial')} done; ${duration(trialSeconds)} of training and evaluation`,
  ];
  return `\n${blocks.join('\n\n')}`;
}

function minusText(report: SweepReport): string {
  const [only = '', ...others] = comparedTexts(report);
  return others.length === 0 ? only.replace(' against ', ' minus ') : 'the first minus the second';
}

function tellFiles({ page, markdown, csv, summary, manifest }: ReportFiles, sweep: string): void {
  note(`files: ${[page, markdown, csv, summary].join('\n       ')}\n       and more, which ${manifest} lists`);
  note(`\`dss report ${sweep}\` writes them here; \`dss results ${sweep} --json\` has every loss and evaluation`);
}

function tellFailures({ failures }: SweepReport): void {
  const [first] = failures;
  if (first === undefined) return;
  const red = painterFor(process.stderr)('red', 'failed:');
  process.stderr.write(`${red} `);
  const causes = grouped(failures, ({ code, message }) => `${code}: ${message}`);
  note(`${counted(failures.length, 'trial')}${causes.length > 1 ? `, of ${causes.length} causes` : ''}`);
  for (const group of causes.slice(0, CAUSES_SHOWN)) {
    const [{ code, message, hint }] = group;
    const ids = group.map(({ trialId }) => trialId.slice(0, SHORT_ID));
    noteWithHint(
      `  ${group.length > 1 ? `${counted(group.length, 'trial')}: ` : ''}${code}: ${message}`,
      hint === '' ? '' : `  ${hint}`,
    );
    note(`    ${shortList(ids)}`);
  }
  if (causes.length > CAUSES_SHOWN)
    note(`  … and ${counted(causes.length - CAUSES_SHOWN, 'more cause')}; see report.md`);
  note(`  \`dss logs ${first.trialId.slice(0, SHORT_ID)}\` has its log`);
}
