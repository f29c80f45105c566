/** `dss serve`: the control plane as a service. */
import { defineCommand, homeFlag, logLevelFlag, namespaceFlag, openFlag, reachFlags, webHostFlag } from '../command.js';

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
      'web-listen': {
        type: 'string',
        default: 'auto',
        requiresArg: true,
        describe: 'HOST:PORT of the page and its API, or off; auto: 127.0.0.1:7380, or a free port',
      },
      ...webHostFlag,
      ...openFlag,
      'health-listen': {
        type: 'string',
        requiresArg: true,
        describe: 'HOST:PORT where probes are told its health in the clear (default: only beside --listen)',
      },
      on: {
        type: 'string',
        default: '',
        requiresArg: true,
        describe: 'kubernetes, ray or both, with a comma: start workers there for sweeps that ask for it',
      },
      context: { type: 'string', requiresArg: true, describe: 'of the kubeconfig, with --on kubernetes' },
      ...namespaceFlag,
      ...reachFlags,
      mtls: { type: 'boolean', default: false, describe: 'take workers from beyond with a certificate of our CA only' },
      workers: { type: 'string', default: '0', requiresArg: true, describe: 'workers of its own: a number, or auto' },
      'devices-per-worker': {
        type: 'number',
        default: 1,
        requiresArg: true,
        describe: 'GPUs of each of them, for trials with `devices`',
      },
      slots: {
        type: 'number',
        default: 1,
        requiresArg: true,
        describe: 'trials that each of them runs at once, where its device bears them',
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
