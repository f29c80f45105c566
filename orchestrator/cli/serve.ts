/** `dss serve`: the control plane as a service. */
import { defineCommand, homeFlag, logLevelFlag } from './command.js';

export const serveCommand = defineCommand({
  usage: 'serve',
  summary: 'Run the control plane as a service: sweeps and workers come to it and go',
  examples: [
    ['$0 serve --workers auto', 'with workers of its own; `dss sweep` on the same state folder hands its sweep over'],
    ['$0 serve', 'workers join by `dss worker`'],
    ['$0 serve --listen 0.0.0.0:7333', 'for other machines too, by TLS; see `dss auth`'],
  ],
  flags: (argv) =>
    argv.options({
      listen: {
        type: 'string',
        default: '127.0.0.1:7333',
        requiresArg: true,
        describe: 'HOST:PORT; beyond this machine with the certificates of `dss auth init`',
      },
      'store-listen': {
        type: 'string',
        requiresArg: true,
        describe: 'HOST:PORT for the files of other machines, or off (default: the port after --listen)',
      },
      mtls: { type: 'boolean', default: false, describe: 'take workers from beyond with a certificate of our CA only' },
      workers: { type: 'string', default: '0', requiresArg: true, describe: 'workers of its own: a number, or auto' },
      'devices-per-worker': {
        type: 'number',
        default: 1,
        requiresArg: true,
        describe: 'GPUs of each of them, for trials with `devices`',
      },
      grace: {
        type: 'number',
        default: 30,
        requiresArg: true,
        describe: 'seconds that running trials get after Ctrl-C to write down where they are',
      },
      lease: {
        type: 'number',
        default: 30,
        requiresArg: true,
        describe: 'seconds without a word of a worker after which its trial goes to another',
      },
      ...homeFlag,
      ...logLevelFlag,
    }),
  run: async (args) => {
    const { serve } = await import('./run-serve.js');
    return serve(args);
  },
});
