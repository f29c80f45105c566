/** What `dss results` prints. */
import { resultValue } from '../reports/results-json.js';
import { resultsTable } from '../reports/results-table.js';
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
    print(renderTable(resultsTable([...journal.trials(sweep)])));
    return 0;
  });
}
