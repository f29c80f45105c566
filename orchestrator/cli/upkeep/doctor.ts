/** `dss doctor`. */
import { defineCommand, homeFlag, jsonFlag } from '../command.js';

export const doctorCommand = defineCommand({
  usage: 'doctor',
  summary: 'Check the state folder and what dss needs of this machine; changes nothing',
  examples: [['$0 doctor', 'one line each, and for each problem the command that mends it']],
  flags: (argv) => argv.options({ ...homeFlag, ...jsonFlag }),
  run: async ({ home, json }) => {
    const { runDoctor } = await import('./doctor-report.js');
    return runDoctor({ home, json });
  },
});
