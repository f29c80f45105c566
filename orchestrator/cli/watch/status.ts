/** `dss status [SWEEP]`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const statusCommand = defineCommand({
  usage: 'status [sweep]',
  summary: 'Say how all sweeps stand, or the trials of one',
  examples: [
    ['$0 status', 'every sweep in the state folder'],
    ['$0 status quickstart', 'what of it runs, waits or failed'],
  ],
  flags: (argv) =>
    argv.positional('sweep', { type: 'string', describe: 'its name' }).options({ ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, server, context, home, json }) => {
    const { showStatus } = await import('./show-status.js');
    return showStatus({ sweep, server, context, home, json });
  },
});
