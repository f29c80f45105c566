/** What `dss results` prints. */
import { shownSettings } from '../reports/cells.js';
import { duration, percent } from '../reports/format.js';
import { resultValue } from '../reports/results-json.js';
import { foldSweep } from '../reports/sweep-report.js';
import { print } from './output.js';
import { withSweep } from './state.js';
import { renderTable } from './table.js';

export interface ResultsFlags {
  readonly sweep: string;
  readonly home: string | undefined;
  readonly json: boolean;
}

export function showResults({ sweep, home, json }: ResultsFlags): Promise<number> {
  return withSweep(home, sweep, (journal) => {
    if (json) {
      // One trial at a time: a large sweep's measurements need not lie in memory together.
      let before = '[\n';
      for (const record of journal.trials(sweep)) {
        process.stdout.write(before + JSON.stringify(resultValue(record, journal.measurements(record.trial.trialId))));
        before = ',\n';
      }
      process.stdout.write(before === '[\n' ? '[]\n' : '\n]\n');
      return 0;
    }
    const records = [...journal.trials(sweep)];
    const shown = shownSettings(foldSweep(sweep, records, []).cells);
    const titles = ['trial', ...shown, 'seed', 'state'];
    print(
      renderTable({
        columns: [
          ...titles.map((title) => ({ title, align: 'left' as const })),
          ...['attempts', 'accuracy %', 'step', 'time'].map((title) => ({ title, align: 'right' as const })),
        ],
        rows: records.map(({ trial, state, attempts, result }) => [
          trial.trialId.slice(0, 8),
          ...shown.map((name) => String(trial.settings[name] ?? '–')),
          String(trial.settings.seed),
          state,
          String(attempts),
          percent(result?.testAccuracy ?? null),
          String(result?.selectedStep ?? '–'),
          duration(result?.seconds ?? null),
        ]),
      }),
    );
    return 0;
  });
}
