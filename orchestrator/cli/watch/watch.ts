/** `dss watch SWEEP`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const watchCommand = defineCommand({
  usage: 'watch <sweep>',
  summary: 'Show a sweep while a control plane runs it: progress, workers, failures',
  examples: [
    ['$0 watch quickstart', 'until it has ended, with the exit status of `dss sweep`; Ctrl-C leaves it running'],
    ['$0 watch quickstart --server lab.example:7333', 'at a control plane elsewhere'],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ sweep, server, context, home, json }) => {
    const { watchSweep } = await import('./watch-sweep.js');
    return watchSweep({ sweep, server, context, home, json });
  },
});
