/** `dss results SWEEP`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const resultsCommand = defineCommand({
  usage: 'results <sweep>',
  summary: 'Print what each trial of a sweep measured',
  examples: [
    ['$0 results quickstart', 'a line per trial'],
    ['$0 results quickstart --json', 'with every logged loss and evaluation'],
    ['$0 results quickstart --format csv > trials.csv', 'with every setting and number, for a spreadsheet or pandas'],
    [
      '$0 results quickstart --format parquet --evaluations --out evaluations.parquet',
      'every loss and evaluation, typed',
    ],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .option('format', {
        choices: ['table', 'csv', 'json', 'md', 'parquet'] as const,
        requiresArg: true,
        describe: 'how to print them (default: table; json is what --json prints)',
      })
      .option('evaluations', {
        type: 'boolean',
        default: false,
        describe: 'with csv or parquet: a row per logged loss and evaluation, not per trial',
      })
      .option('out', { type: 'string', requiresArg: true, describe: 'a file, written whole or not at all' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, format, evaluations, out, server, context, home, json }) => {
    const { showResults } = await import('./show-results.js');
    return showResults({ sweep, format, evaluations, out, server, context, home, json });
  },
});
