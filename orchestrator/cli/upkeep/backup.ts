/** `dss backup [FILE]`. */
import { defineCommand, homeFlag, jsonFlag } from '../command.js';

export const backupCommand = defineCommand({
  usage: 'backup [file]',
  summary: 'Copy the journal, also while sweeps run, or put a copy back',
  examples: [
    ['$0 backup', 'into backups/ in the state folder, where the newest five are kept'],
    ['$0 backup /mnt/safe/dss.db', 'to a file of your own; nothing is overwritten'],
    ['$0 backup --restore FILE', 'the copy becomes the journal; what is there moves aside'],
  ],
  flags: (argv) =>
    argv
      .positional('file', { type: 'string', describe: 'where to (default: backups/TIME.db in the state folder)' })
      .option('restore', { type: 'string', requiresArg: true, describe: 'a copy to put back' })
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ file, restore, home, json }) => {
    const { backUp, putBack } = await import('./backup-journal.js');
    return restore === undefined ? backUp({ file, home, json }) : putBack({ file, restore, home, json });
  },
});
