/** What `dss report --number` prints: one row of a report or one number of it, as its files have it. */
import { closest } from '../../core/closest.js';
import { SweepError } from '../../core/errors.js';
import { rowAddresses } from '../../reports/addresses.js';
import { numberAt } from '../../reports/number-at.js';
import { summaryValue } from '../../reports/summary-json.js';
import { resolveHome } from '../environment.js';
import { printJson } from '../output.js';
import { type LoadedReport, loadReport } from '../readers/load-report.js';
import { namedSweeps } from '../readers/named-sweeps.js';
import { withReader } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';

export interface NumberFlags extends WhereFlags {
  /** Names and patterns. */
  readonly sweeps: readonly string[];
  readonly address: string;
  readonly compare: boolean;
  readonly out: string | undefined;
}

export function showNumber({ sweeps, address, compare, out, ...where }: NumberFlags): Promise<number> {
  if (compare || out !== undefined) {
    throw new SweepError('USAGE', `--number prints, and ${compare ? '--compare' : '--out'} writes files`, {
      hint: 'give one of the two',
    });
  }
  return withReader(where, async (reader) => {
    const loaded = await loadReport(reader, await namedSweeps(reader, sweeps), resolveHome(where.home));
    const found = numberAt(loaded, address);
    if (found === undefined) throw nothingAt(address, loaded);
    printJson(found);
    return 0;
  });
}

/** With the nearest row there is, and what that has. */
function nothingAt(address: string, { report }: LoadedReport): SweepError {
  const rows = rowAddresses(summaryValue(report));
  const row = rows.find((each) => address.startsWith(`${each}.`) || address.startsWith(`${each}[`));
  const meant = closest(address, rows);
  const guess = meant === null ? '' : `did you mean ${meant}? `;
  return new SweepError('USAGE', `the report of ${report.sweep} has nothing at ${address}`, {
    hint:
      row === undefined
        ? `${guess}the manifest.json of a report lists its rows; results.ID is a trial, figures.ID a figure`
        : `--number ${row} prints all that is there`,
  });
}
