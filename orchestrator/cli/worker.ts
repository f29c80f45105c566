/** `dss worker`: this machine joins a control plane by hand. */
import { defineCommand, homeFlag } from './command.js';

export const workerCommand = defineCommand({
  usage: 'worker',
  summary: 'Join a control plane that serves, and train what it lends until stopped',
  examples: [
    ['$0 worker', 'of the state folder on this machine'],
    ['$0 worker --device cuda:1 --name lab-2', 'on the second GPU, under a name of its own'],
  ],
  flags: (argv) =>
    argv.options({
      server: { type: 'string', requiresArg: true, describe: 'HOST:PORT (default: the one that serves --home)' },
      name: { type: 'string', requiresArg: true, describe: 'unlike any other worker (default: host and chance)' },
      device: { type: 'string', default: 'cpu', requiresArg: true, describe: 'cpu or cuda:K' },
      threads: { type: 'number', requiresArg: true, describe: 'CPU threads of training (default: all cores)' },
      ...homeFlag,
    }),
  run: async (args) => {
    const { joinAsWorker } = await import('./run-worker.js');
    return joinAsWorker(args);
  },
});
