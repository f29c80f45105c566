/** What `dss report` writes. */
import { resolve } from 'node:path';
import { summaryValue } from '../../reports/summary-json.js';
import { writeReport } from '../../reports/write-report.js';
import { mustTakeFolders, resolveHome } from '../environment.js';
import { print, printJson } from '../output.js';
import { loadReport } from '../readers/load-report.js';
import { namedSweeps } from '../readers/named-sweeps.js';
import { withReader } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';
import { ownVersion } from '../version.js';

export interface ReportFlags extends WhereFlags {
  /** Names and patterns; several become one report. */
  readonly sweeps: readonly string[];
  readonly out: string | undefined;
  readonly json: boolean;
}

export function reportSweep({ sweeps, out, json, ...where }: ReportFlags): Promise<number> {
  return withReader(where, async (reader) => {
    const loaded = await loadReport(reader, await namedSweeps(reader, sweeps), resolveHome(where.home));
    const files = await writeReport(mustTakeFolders(resolve(out ?? `reports/${loaded.report.sweep}`)), {
      ...loaded,
      version: ownVersion(),
    });
    if (json) printJson({ ...summaryValue(loaded.report), files });
    else for (const path of Object.values(files)) if (path !== null) print(path);
    return 0;
  });
}
