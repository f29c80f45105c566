/** `dss stop`. */
import { defineCommand, jsonFlag, whereFlags } from '../command.js';

export const stopCommand = defineCommand({
  usage: 'stop',
  summary: 'End a control plane, as Ctrl-C does where it runs',
  examples: [
    ['$0 stop', 'the `dss serve` or `dss sweep` of this state folder'],
    ['$0 stop --server gpu-box:7333', "another machine's, with a token of role admin"],
  ],
  flags: (argv) => argv.options({ ...whereFlags, ...jsonFlag }),
  run: async (args) => (await import('./stop-plane.js')).stopPlane(args),
});
