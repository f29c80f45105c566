/** `dss logs TRIAL`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const logsCommand = defineCommand({
  usage: 'logs <trial>',
  summary: "Print a trial's log lines",
  examples: [
    ['$0 logs 3f2a91', 'the trial whose id begins so'],
    ['$0 logs -f 3f2a91', 'and go on until the trial has ended'],
  ],
  flags: (argv) =>
    argv
      .positional('trial', { type: 'string', demandOption: true, describe: "a trial's id, or its beginning" })
      .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'wait for more lines' })
      .options({ ...whereFlags, ...jsonFlag }),
  run: async ({ trial, follow, server, context, home, json }) => {
    const { showLogs } = await import('./show-logs.js');
    return showLogs({ trial, follow, server, context, home, json });
  },
});
