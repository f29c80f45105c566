/** `dss debug …`: for those who look for a fault of dss. */
import { defineCommand, defineGroup, homeFlag, jsonFlag } from '../command.js';

const bundleCommand = defineCommand({
  usage: 'bundle [file]',
  summary: 'Write what somebody needs who looks for a fault: one text file, without secrets, to read before it is sent',
  examples: [['$0 debug bundle', 'dss-debug-TIME.json in this folder']],
  flags: (argv) =>
    argv
      .positional('file', { type: 'string', describe: 'where to (default: dss-debug-TIME.json in this folder)' })
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ file, home, json }) => {
    const { writeBundle } = await import('./debug-bundle.js');
    return writeBundle({ file, home, json });
  },
});

export const debugCommand = defineGroup({
  name: 'debug',
  summary: 'Collect what helps to find a fault of dss',
  examples: [['$0 debug bundle', 'one text file, without secrets']],
  commands: [bundleCommand],
  missing: 'debug: bundle is missing',
});
