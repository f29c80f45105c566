/** `dss cancel SWEEP`. */
import { defineCommand, homeFlag, jsonFlag } from './command.js';

export const cancelCommand = defineCommand({
  usage: 'cancel <sweep>',
  summary: 'Stop the trials of a sweep that run or wait; results stay',
  examples: [['$0 cancel quickstart', 'submitting the sweep again goes on with it']],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ sweep, home, json }) => {
    const { cancelSweep } = await import('./cancel-sweep.js');
    return cancelSweep({ sweep, home, json });
  },
});
