/** `dss cancel SWEEP`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const cancelCommand = defineCommand({
  usage: 'cancel <sweep>',
  summary: 'Stop the trials of a sweep that run or wait; results stay',
  examples: [['$0 cancel quickstart', 'submitting the sweep again goes on with it']],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async (args) => {
    const { changeSweep } = await import('./change-sweep.js');
    const { counted } = await import('../../reports/format.js');
    return changeSweep(args, async (client) => {
      const cancelled = await client.cancel(args.sweep);
      return { value: { cancelled }, text: `${counted(cancelled, 'trial')} cancelled; results stay` };
    });
  },
});
