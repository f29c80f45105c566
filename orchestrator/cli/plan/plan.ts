/** `dss plan FILE…`: what would run and why, whether it fits, and what it costs; nothing starts, nothing is stored. */
import { datasetsFlag, defineCommand, jsonFlag, whereFlags } from '../command.js';

export const planCommand = defineCommand({
  usage: 'plan <files..>',
  summary: 'Say what sweep files would run, why, and at what cost; nothing starts',
  examples: [
    ['$0 plan grid.yaml --explain', 'with the rule behind each merged or rejected cell'],
    ["$0 plan grid.yaml --json | jq '.trials[].id'", 'ids of the trials'],
    ['$0 plan grid.yaml --device a100-80,8xa100-40 --price 2.5', 'memory, time and price there'],
    ['$0 plan grid.yaml --probe', 'time by 20 steps on this machine'],
  ],
  flags: (argv) =>
    argv
      .positional('files', { type: 'string', array: true, demandOption: true, describe: 'sweep files' })
      .options({ ...whereFlags, ...datasetsFlag, ...jsonFlag })
      .option('device', {
        type: 'string',
        requiresArg: true,
        describe:
          'devices to plan for, by name: a100-80, 8xa100-40, or a file of yours (default: those that are there)',
      })
      .option('price', { type: 'number', requiresArg: true, describe: 'of an hour of one device' })
      .option('probe', {
        type: 'boolean',
        default: false,
        describe: 'train 20 steps of each kind of trial here, for the time',
      })
      .option('explain', {
        type: 'boolean',
        default: false,
        describe: 'say for each merged or rejected cell which rule did it',
      })
      .option('skip-rejected', { type: 'boolean', default: false, describe: 'cells that cannot run are no mistake' }),
  run: async (args) => {
    const { planFiles } = await import('./plan-file.js');
    return planFiles(args.files, args);
  },
});
