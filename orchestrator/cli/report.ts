/** `dss report SWEEP`. */
import { defineCommand, jsonFlag, whereFlags } from './command.js';

export const reportCommand = defineCommand({
  usage: 'report <sweep>',
  summary: 'Write the report: a page, tables, figures and all numbers',
  examples: [
    ['$0 report quickstart', 'into reports/quickstart/'],
    ['$0 report quickstart --out /tmp/q', 'into another folder'],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .option('out', { type: 'string', requiresArg: true, describe: 'folder (default: reports/<sweep>/)' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, out, server, home, json }) => {
    const { reportSweep } = await import('./report-sweep.js');
    return reportSweep({ sweep, out, server, home, json });
  },
});
