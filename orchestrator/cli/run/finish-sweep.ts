/** How a sweep ends for its reader: the table, where the files are, what failed and why. */
import { join } from 'node:path';
import { EXIT_STATUS } from '../../core/errors.js';
import { comparedTexts, comparisonTable } from '../../reports/comparison-tables.js';
import { capitalized, counted, duration } from '../../reports/format.js';
import { summaryValue } from '../../reports/summary-json.js';
import type { SweepReport } from '../../reports/sweep-report.js';
import { cellTable, missingLines, teacherTable } from '../../reports/tables.js';
import { type ReportFiles, writeReport } from '../../reports/write-report.js';
import { resolveHome } from '../environment.js';
import { note, painterFor, print, printJson } from '../output.js';
import { loadReport } from '../readers/load-report.js';
import { withSweep } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';
import { renderTable } from '../table.js';
import { ownVersion } from '../version.js';

const FAILURES_SHOWN = 10;

export async function finishSweep(
  sweep: string,
  { json, ...where }: WhereFlags & { readonly json: boolean },
): Promise<number> {
  const home = resolveHome(where.home);
  const { report, files, standing } = await withSweep(where, sweep, async (reader, { standing }) => {
    const loaded = await loadReport(reader, [sweep], home);
    const files = await writeReport(join(home, 'reports', sweep), { ...loaded, version: ownVersion() });
    return { report: loaded.report, standing, files };
  });
  if (json) printJson({ ...summaryValue(report), files });
  else print(reportText(report));
  tellFiles(files, sweep);
  tellFailures(report);
  if (standing.state === 'paused') note(`paused: ${standing.reason}; \`dss resume ${sweep}\` goes on`);
  return report.counts.succeeded === report.total ? 0 : EXIT_STATUS.TRIALS_FAILED;
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
      ? [`${capitalized(minusText(report))}, paired by seed, in points:\n\n${renderTable(comparisonTable(report))}`]
      : []),
    ...(teachers.length > 0 ? [`The teacher itself:\n\n${renderTable(teacherTable(teachers))}`] : []),
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
  note(`${counted(failures.length, 'trial')}; the first cause:`);
  for (const { trialId, code, message, hint } of failures.slice(0, FAILURES_SHOWN)) {
    note(`  ${trialId} ${code}: ${message}${hint === '' ? '' : `\n    ${hint}`}`);
  }
  if (failures.length > FAILURES_SHOWN) note(`  … and ${failures.length - FAILURES_SHOWN} more; see report.md`);
  note(`  \`dss logs ${first.trialId.slice(0, 8)}\` has its log`);
}
