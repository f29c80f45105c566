/** What `dss report --compare` writes. */
import { resolve } from 'node:path';
import { SweepError } from '../../core/errors.js';
import { compareSweeps } from '../../reports/two-sweeps.js';
import { twoSweepsValue, writeTwoSweeps } from '../../reports/write-two-sweeps.js';
import { mustTakeFolders, resolveHome } from '../environment.js';
import { print, printJson } from '../output.js';
import { loadReport } from '../readers/load-report.js';
import { namedSweeps } from '../readers/named-sweeps.js';
import { withReader } from '../readers/sweep-reader.js';
import { ownVersion } from '../version.js';
import type { ReportFlags } from './report-sweep.js';

export function compareTwo({ sweeps, out, json, ...where }: ReportFlags): Promise<number> {
  return withReader(where, async (reader) => {
    const [first, second, ...others] = await namedSweeps(reader, sweeps);
    if (first === undefined || second === undefined || others.length > 0) {
      throw new SweepError('USAGE', `--compare takes two sweeps, got ${sweeps.join(' ')}`, {
        hint: 'dss report --compare BEFORE AFTER; without --compare several become one report',
      });
    }
    const home = resolveHome(where.home);
    const two = compareSweeps(await loadReport(reader, [first], home), await loadReport(reader, [second], home));
    const files = await writeTwoSweeps(
      mustTakeFolders(resolve(out ?? `reports/${first}-vs-${second}`)),
      two,
      ownVersion(),
    );
    if (json) printJson({ ...twoSweepsValue(two), files });
    else for (const path of Object.values(files)) print(path);
    return 0;
  });
}
