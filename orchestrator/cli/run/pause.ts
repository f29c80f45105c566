/** `dss pause SWEEP`. */
import type { Client } from '../../control/client.js';
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const pauseCommand = defineCommand({
  usage: 'pause <sweep>',
  summary: 'Lend nothing more of a sweep; what runs goes on',
  examples: [['$0 pause quickstart', '`dss resume quickstart` goes on with it']],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async (args) => {
    const { changeSweep } = await import('./change-sweep.js');
    const pause = async (client: Client) => {
      await client.pause(args.sweep);
      return { value: { state: 'paused' }, text: `paused; \`dss resume ${args.sweep}\` goes on` };
    };
    return changeSweep(args, pause, { needsOpen: true });
  },
});
