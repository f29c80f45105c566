/** `dss sweep FILE`: the main job. */
import { defineCommand, openFlag, reachFlags, runFlags } from '../command.js';

export const sweepCommand = defineCommand({
  usage: 'sweep <file>',
  summary: 'Run the trials of a sweep file, or go on with it; then print the table',
  examples: [
    ['$0 sweep sweeps/quickstart.yaml', 'all its trials, on as many workers as fit'],
    ['$0 sweep grid.yaml --workers 2 --explain', 'two workers; say why cells were merged'],
    ['$0 sweep grid.yaml --on ray --ray-address http://head:8265', 'on the workers of a Ray cluster'],
  ],
  flags: (argv) =>
    argv
      .positional('file', { type: 'string', demandOption: true, describe: 'the sweep file' })
      .options(runFlags)
      .options({
        web: { type: 'boolean', default: false, describe: 'show it on a page while it runs; its address is printed' },
        ...openFlag,
      })
      .options({
        on: { type: 'string', requiresArg: true, describe: 'local, kubernetes or ray, whatever the file says' },
        'ray-address': {
          type: 'string',
          requiresArg: true,
          describe: 'http://HOST:PORT or ray://HOST:PORT of its head',
        },
        'allow-untested-ray': { type: 'boolean', default: false, describe: 'whatever version of Ray it has' },
        listen: {
          type: 'string',
          requiresArg: true,
          describe:
            'HOST:PORT for workers elsewhere, with the certificates of `dss auth init` (default: this machine only)',
        },
        ...reachFlags,
      })
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
