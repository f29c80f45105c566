/** `dss pause SWEEP`. */
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
    return changeSweep(args, async (client) => {
      await client.pause(args.sweep);
      return { value: { state: 'paused' }, text: `paused; \`dss resume ${args.sweep}\` goes on` };
    });
  },
});
