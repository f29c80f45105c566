/** `dss ray …`: what control planes have left on Ray clusters. */
import { defineCommand, defineGroup, homeFlag, jsonFlag } from '../command.js';

const cleanCommand = defineCommand({
  usage: 'clean',
  summary: 'Stop and remove what a control plane that is gone has left on a Ray cluster',
  examples: [
    ['$0 ray clean --address http://head:8265', 'of the control plane of this state folder'],
    ['$0 ray clean --address ray://head:10001 --all', 'of every control plane'],
  ],
  flags: (argv) =>
    argv.options({
      address: {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'of the cluster, as in run.address of a sweep file',
      },
      adapter: {
        choices: ['auto', 'jobs', 'client'] as const,
        default: 'auto' as const,
        describe: 'jobs, actors by the client port, or (auto) both',
      },
      'ray-namespace': {
        type: 'string',
        default: 'dss',
        requiresArg: true,
        describe: 'of actors, as in run.ray.namespace',
      },
      all: { type: 'boolean', default: false, describe: 'of every control plane, those elsewhere too' },
      'allow-untested-ray': { type: 'boolean', default: false, describe: 'whatever version the cluster has' },
      ...homeFlag,
      ...jsonFlag,
    }),
  run: async (flags) => {
    const { cleanRay } = await import('./ray-clean.js');
    return cleanRay(flags);
  },
});

export const rayCommand = defineGroup({
  name: 'ray',
  summary: 'Look after what was left on a Ray cluster',
  examples: [['$0 ray clean --address http://head:8265', 'remove what is left']],
  commands: [cleanCommand],
  missing: 'ray: clean is missing',
});
