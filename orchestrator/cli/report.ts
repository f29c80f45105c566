/** `dss report SWEEP`. */
import { defineCommand, homeFlag, jsonFlag } from './command.js';

export const reportCommand = defineCommand({
  usage: 'report <sweep>',
  summary: 'Write report.md, results.csv and summary.json',
  examples: [
    ['$0 report quickstart', 'into reports/quickstart/'],
    ['$0 report quickstart --out /tmp/q', 'into another folder'],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .option('out', { type: 'string', requiresArg: true, describe: 'folder (default: reports/<sweep>/)' })
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ sweep, out, home, json }) => {
    const { reportSweep } = await import('./report-sweep.js');
    return reportSweep({ sweep, out, home, json });
  },
});
