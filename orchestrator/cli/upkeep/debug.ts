/** `dss debug …`: for those who look for a fault of dss. */
import type { Argv } from 'yargs';
import { defineCommand, homeFlag, type Register } from '../command.js';

const bundleCommand = defineCommand({
  usage: 'bundle [file]',
  summary: 'Write what somebody needs who looks for a fault: one text file, without secrets, to read before it is sent',
  examples: [['$0 debug bundle', 'dss-debug-TIME.json in this folder']],
  flags: (argv) =>
    argv
      .positional('file', { type: 'string', describe: 'where to (default: dss-debug-TIME.json in this folder)' })
      .options(homeFlag),
  run: async ({ file, home }) => {
    const { writeBundle } = await import('./debug-bundle.js');
    return writeBundle({ file, home });
  },
});

export const debugCommand: Register = (argv, ended) =>
  argv.command('debug', 'Collect what helps to find a fault of dss', (each: Argv<object>) =>
    bundleCommand(each, ended).demandCommand(1, 'debug: bundle is missing'),
  );
