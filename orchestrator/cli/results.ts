/** `dss results SWEEP`. */
import { defineCommand, homeFlag, jsonFlag } from './command.js';

export const resultsCommand = defineCommand({
  usage: 'results <sweep>',
  summary: 'Print what each trial of a sweep measured',
  examples: [
    ['$0 results quickstart', 'a line per trial'],
    ['$0 results quickstart --json', 'with every logged loss and evaluation'],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ sweep, home, json }) => {
    const { showResults } = await import('./show-results.js');
    return showResults({ sweep, home, json });
  },
});
