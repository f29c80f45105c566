/** `dss sweep FILE`: the main job. */
import { defineCommand, runFlags } from './command.js';

export const sweepCommand = defineCommand({
  usage: 'sweep <file>',
  summary: 'Run the trials of a sweep file, or go on with it; then print the table',
  examples: [
    ['$0 sweep sweeps/quickstart.yaml', 'all its trials, on as many workers as fit'],
    ['$0 sweep grid.yaml --workers 2 --explain', 'two workers; say why cells were merged'],
  ],
  flags: (argv) =>
    argv
      .positional('file', { type: 'string', demandOption: true, describe: 'the sweep file' })
      .options(runFlags)
      .option('detach', {
        type: 'boolean',
        default: false,
        describe: 'hand it to the `dss serve` of this state folder and return',
      })
      .option('skip-rejected', {
        type: 'boolean',
        default: false,
        describe: 'run the others when some cells cannot run',
      }),
  run: async (args) => {
    const { sweepFile } = await import('./sweep-file.js');
    return sweepFile(args.file, args);
  },
});
