/** `dss worker`: this machine joins a control plane by hand. */
import { defineCommand, homeFlag } from '../command.js';

export const workerCommand = defineCommand({
  usage: 'worker',
  summary: 'Join a control plane that serves, and train what it lends until stopped',
  examples: [
    ['$0 worker', 'of the state folder on this machine, on its first GPU if it has one'],
    ['$0 worker --device cuda:1 --name lab-2', 'on the second GPU, under a name of its own'],
    ['$0 worker --device cuda:0 --slots 3', 'up to three small trials side by side on one GPU'],
    ['$0 worker --device cuda:0,1,2,3', 'on four GPUs, for trials with `devices: 4`'],
  ],
  flags: (argv) =>
    argv.options({
      server: { type: 'string', requiresArg: true, describe: 'HOST:PORT (default: the one that serves --home)' },
      name: { type: 'string', requiresArg: true, describe: 'unlike any other worker (default: host and chance)' },
      device: {
        type: 'string',
        default: 'auto',
        requiresArg: true,
        describe: 'cpu, cuda:K or cuda:K,L,…; auto: the first GPU, else the CPU',
      },
      cache: {
        type: 'string',
        requiresArg: true,
        describe: 'folder for files of another machine (default: $DSS_WORKER_CACHE, else in --home)',
      },
      'cache-bytes': {
        type: 'number',
        requiresArg: true,
        describe: 'that they may take (default: $DSS_WORKER_CACHE_BYTES, else 50 GiB)',
      },
      'rendezvous-port': {
        type: 'number',
        requiresArg: true,
        describe: 'where other machines meet this one, for trials with `machines` (default: any that is free)',
      },
      slots: {
        type: 'number',
        default: 1,
        requiresArg: true,
        describe: 'trials that it runs at once on its device, where what they need in memory fits',
      },
      threads: {
        type: 'number',
        requiresArg: true,
        describe: 'CPU threads of each trial (default: its share of all cores)',
      },
      ...homeFlag,
    }),
  run: async (args) => {
    const { joinAsWorker } = await import('./run-worker.js');
    return joinAsWorker(args);
  },
});
