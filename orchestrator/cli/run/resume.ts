/** `dss resume SWEEP`. */
import type { Client } from '../../control/client.js';
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const resumeCommand = defineCommand({
  usage: 'resume <sweep>',
  summary: 'Go on with a sweep that is paused; what its budget counts starts anew',
  examples: [['$0 resume quickstart', 'after `dss pause`, or when its budget was used up']],
  flags: (argv) =>
    argv
      .positional('sweep', { type: 'string', demandOption: true, describe: 'its name' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async (args) => {
    const { changeSweep } = await import('./change-sweep.js');
    const resume = async (client: Client) => {
      await client.resume(args.sweep);
      const ifNoneRuns = 'no control plane serves this state folder: `dss sweep FILE`, or `dss serve`, runs it';
      return { value: { state: 'active' }, text: 'goes on', ifNoneRuns };
    };
    return changeSweep(args, resume, { needsOpen: true });
  },
});
