/** `dss verify DIR`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const verifyCommand = defineCommand({
  usage: 'verify <dir>',
  summary: 'Check the files of a report, and its numbers against the results they came from',
  examples: [
    ['$0 verify reports/quickstart', 'its files, and its numbers if its sweep is in the state folder'],
    ['$0 verify paper/report --server lab.example:7333', 'its numbers against what a control plane has'],
  ],
  flags: (argv) =>
    argv
      .positional('dir', { type: 'string', demandOption: true, describe: 'a folder that `dss report` wrote' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ dir, server, context, home, json }) => {
    const { runVerify } = await import('./run-verify.js');
    return runVerify({ dir, server, context, home, json });
  },
});
