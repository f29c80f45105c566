/** `dss report SWEEP…`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const reportCommand = defineCommand({
  usage: 'report <names..>',
  summary: 'Write the report: a page, tables, figures and all numbers',
  examples: [
    ['$0 report quickstart', 'into reports/quickstart/'],
    ["$0 report cqa-methods 'svamp-*'", 'several sweeps in one report; a trial of two of them counts once'],
    ['$0 report --compare before after', 'two sweeps side by side: settings, environment, results'],
    ['$0 report quickstart --out /tmp/q', 'into another folder'],
    ['$0 report quickstart --number comparisons', 'what summary.json has there; one number by its whole address'],
  ],
  flags: (argv) =>
    argv
      .positional('names', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'sweeps, or patterns with * and ? for several',
      })
      .option('compare', { type: 'boolean', default: false, describe: 'what differs between two sweeps' })
      .option('out', { type: 'string', requiresArg: true, describe: 'folder (default: reports/<sweep>/)' })
      .option('number', {
        type: 'string',
        requiresArg: true,
        describe: 'print one row or number, by its address in manifest.json, and write nothing',
      })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ names, compare, out, number, server, context, home, json }) => {
    if (number !== undefined) {
      const { showNumber } = await import('./show-number.js');
      return showNumber({ sweeps: names, address: number, compare, out, server, context, home });
    }
    if (compare) {
      const { compareTwo } = await import('./compare-two.js');
      return compareTwo({ sweeps: names, out, server, context, home, json });
    }
    const { reportSweep } = await import('./report-sweep.js');
    return reportSweep({ sweeps: names, out, server, context, home, json });
  },
});
