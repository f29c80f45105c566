/** `dss plan FILE`: what would run and why; nothing starts, nothing is stored. */
import { datasetsFlag, defineCommand, jsonFlag, whereFlags } from './command.js';

export const planCommand = defineCommand({
  usage: 'plan <file>',
  summary: 'Say what a sweep file would run, and why; nothing starts',
  examples: [
    ['$0 plan grid.yaml --explain', 'with the rule behind each merged or rejected cell'],
    ["$0 plan grid.yaml --json | jq '.trials[].id'", 'ids of the trials'],
  ],
  flags: (argv) =>
    argv
      .positional('file', { type: 'string', demandOption: true, describe: 'the sweep file' })
      .options({ ...whereFlags, ...datasetsFlag, ...jsonFlag })
      .option('explain', {
        type: 'boolean',
        default: false,
        describe: 'say for each merged or rejected cell which rule did it',
      })
      .option('skip-rejected', { type: 'boolean', default: false, describe: 'cells that cannot run are no mistake' }),
  run: async (args) => {
    const { planFile } = await import('./plan-file.js');
    return planFile(args.file, args);
  },
});
