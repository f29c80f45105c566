/** What `dss report` writes. */
import { resolve } from 'node:path';
import { summaryValue } from '../reports/summary-json.js';
import { writeReport } from '../reports/write-report.js';
import { resolveHome } from './environment.js';
import type { WhereFlags } from './find-server.js';
import { loadReport } from './load-report.js';
import { print, printJson } from './output.js';
import { withSweep } from './sweep-reader.js';
import { ownVersion } from './version.js';

export interface ReportFlags extends WhereFlags {
  readonly sweep: string;
  readonly out: string | undefined;
  readonly json: boolean;
}

export function reportSweep({ sweep, out, json, ...where }: ReportFlags): Promise<number> {
  return withSweep(where, sweep, async (reader) => {
    const loaded = await loadReport(reader, sweep, resolveHome(where.home));
    const files = await writeReport(resolve(out ?? `reports/${sweep}`), { ...loaded, version: ownVersion() });
    if (json) printJson({ ...summaryValue(loaded.report), files });
    else for (const path of Object.values(files)) if (path !== null) print(path);
    return 0;
  });
}
