/** What `dss report` writes. */
import { resolve } from 'node:path';
import { summaryValue } from '../reports/summary-json.js';
import { writeReport } from '../reports/write-report.js';
import { resolveHome } from './environment.js';
import { loadReport } from './load-report.js';
import { print, printJson } from './output.js';
import { withSweep } from './state.js';

export interface ReportFlags {
  readonly sweep: string;
  readonly out: string | undefined;
  readonly home: string | undefined;
  readonly json: boolean;
}

export function reportSweep({ sweep, out, home, json }: ReportFlags): Promise<number> {
  return withSweep(home, sweep, async (journal) => {
    const { report, records } = await loadReport(journal, sweep, resolveHome(home));
    const files = await writeReport(resolve(out ?? `reports/${sweep}`), report, records, journal);
    if (json) printJson({ ...summaryValue(report), files });
    else for (const path of Object.values(files)) print(path);
    return 0;
  });
}
