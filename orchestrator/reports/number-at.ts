/** Any number of a report's files by its address, as the command in its manifest prints it. */
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import { valueAt } from './addresses.js';
import { evaluationColumns, rowsOfTrial } from './evaluation-rows.js';
import { allCharts } from './figures/all-charts.js';
import { validationCurves } from './figures/learning-curves.js';
import { summaryValue } from './summary-json.js';
import type { SweepReport } from './sweep-report.js';
import { settingNames, type TrialRow, trialColumns } from './trial-columns.js';

interface NumberSource {
  readonly report: SweepReport;
  readonly records: readonly TrialRecord[];
  readonly measured: { measurements(trialId: string): TrialMeasurements };
}

/**
 * `figures.ID` is what the CSV of a figure has, `results.ID` the line of a trial in results.csv, with all that it logged
 * under `logged`; all else is an address in summary.json. `undefined`: there is nothing.
 */
export function numberAt(source: NumberSource, address: string): unknown {
  const [, part, rest = ''] = /^(figures|results)(?:\.(.+))?$/s.exec(address) ?? [];
  switch (part) {
    case undefined:
      return valueAt(summaryValue(source.report), address);
    case 'figures':
      return valueAt(figureValues(source), rest);
    default:
      return resultAt(source, rest);
  }
}

/** Named by the ids of their files. */
function figureValues({ report, measured }: NumberSource): readonly object[] {
  const curveOf = validationCurves((trialId) => measured.measurements(trialId));
  return allCharts(report, curveOf).map(({ id, title, series, reference, crossings }) => {
    return { id, title, series, reference, crossings };
  });
}

function resultAt({ records, measured }: NumberSource, address: string): unknown {
  const [trialId = ''] = address.split('.');
  const record = records.find(({ trial }) => trial.trialId === trialId);
  if (record === undefined) return undefined;
  const measurements = measured.measurements(trialId);
  const columns = trialColumns(records);
  const row = columns.map(({ read }) => read(record, measurements));
  const logged = [...rowsOfTrial(record, measurements, settingNames(records))];
  const loggedColumns = evaluationColumns(records);
  const value = { ...named(columns, row), logged: logged.map((each) => named(loggedColumns, each)) };
  return valueAt(value, address.slice(trialId.length + 1));
}

function named(columns: readonly { readonly name: string }[], row: TrialRow): Readonly<Record<string, unknown>> {
  return Object.fromEntries(columns.map(({ name }, place) => [name, row[place] ?? null]));
}
