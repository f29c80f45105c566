/** `dss export TRIAL DIR`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const exportCommand = defineCommand({
  usage: 'export <trial> <dir>',
  summary: 'Copy what a trial kept, its fine-tuned model above all, into a folder',
  examples: [
    ['$0 export 3f2a91 my-model', 'the trial whose id begins so; it must have run with keep: best or last'],
    ['$0 export 3f2a91 my-model --json', 'the names of the files, as one document'],
  ],
  flags: (argv) =>
    argv
      .positional('trial', { type: 'string', demandOption: true, describe: "a trial's id, or its beginning" })
      .positional('dir', { type: 'string', demandOption: true, describe: 'a folder that is empty or not there' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ trial, dir, server, context, home, json }) => {
    const { exportTrial } = await import('./export-trial.js');
    return exportTrial({ trial, dir, server, context, home, json });
  },
});
