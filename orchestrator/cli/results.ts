/** `dss results SWEEP`. */
import { defineCommand, jsonFlag, whereFlags } from './command.js';

export const resultsCommand = defineCommand({
  usage: 'results <sweep>',
  summary: 'Print what each trial of a sweep measured',
  examples: [
    ['$0 results quickstart', 'a line per trial'],
    ['$0 results quickstart --json', 'with every logged loss and evaluation'],
    ['$0 results quickstart --format csv > trials.csv', 'with every setting and number, for a spreadsheet or pandas'],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .option('format', {
        choices: ['table', 'csv', 'json', 'md'] as const,
        requiresArg: true,
        describe: 'how to print them (default: table; json is what --json prints)',
      })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, format, server, home, json }) => {
    const { showResults } = await import('./show-results.js');
    return showResults({ sweep, format, server, home, json });
  },
});
