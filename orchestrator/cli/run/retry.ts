/** `dss retry SWEEP`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const retryCommand = defineCommand({
  usage: 'retry <sweep>',
  summary: 'Queue the trials of a sweep again that failed or were cancelled',
  examples: [
    ['$0 retry quickstart', 'whatever they failed of'],
    ['$0 retry quickstart --failed', 'not the cancelled ones'],
  ],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .option('failed', { type: 'boolean', default: false, describe: 'only those that failed' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async (args) => {
    const { changeSweep } = await import('./change-sweep.js');
    const { counted } = await import('../../reports/format.js');
    return changeSweep(args, async (client) => {
      const queued = await client.retry(args.sweep, { onlyFailed: args.failed });
      const ifNoneRuns = 'no control plane serves this state folder: `dss sweep FILE`, or `dss serve`, runs them';
      if (queued === 0) {
        const what = args.failed ? 'has failed' : 'has failed or was cancelled';
        return { value: { queued }, text: `no trial of it ${what}; it is left as it is` };
      }
      return { value: { queued }, text: `${counted(queued, 'trial')} queued again`, ifNoneRuns };
    });
  },
});
