#!/usr/bin/env -S node --max-semi-space-size=4
/**
 * The command `dss`. Only what every call needs is loaded here, so that help and mistakes answer at once.
 *
 * The flag above keeps what is new in 12 MiB and not in 48: a control plane of 100,000 trials then holds 142 MiB and not
 * 217, for some 5 % more of a processor (2026-11).
 */
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import type { Register } from './command.js';
import { reportFailure } from './failure.js';
import { parserState } from './parser-state.js';
import { refuseNoNumbers, usageError } from './usage.js';
import { ownVersion } from './version.js';

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  sweep: async () => (await import('./run/sweep.js')).sweepCommand,
  run: async () => (await import('./run/run.js')).runCommand,
  plan: async () => (await import('./plan/plan.js')).planCommand,
  status: async () => (await import('./watch/status.js')).statusCommand,
  watch: async () => (await import('./watch/watch.js')).watchCommand,
  logs: async () => (await import('./watch/logs.js')).logsCommand,
  results: async () => (await import('./report/results.js')).resultsCommand,
  report: async () => (await import('./report/report.js')).reportCommand,
  verify: async () => (await import('./report/verify.js')).verifyCommand,
  tracking: async () => (await import('./report/tracking.js')).trackingCommand,
  export: async () => (await import('./report/export.js')).exportCommand,
  cancel: async () => (await import('./run/cancel.js')).cancelCommand,
  retry: async () => (await import('./run/retry.js')).retryCommand,
  pause: async () => (await import('./run/pause.js')).pauseCommand,
  resume: async () => (await import('./run/resume.js')).resumeCommand,
  serve: async () => (await import('./serve/serve.js')).serveCommand,
  stop: async () => (await import('./serve/stop.js')).stopCommand,
  worker: async () => (await import('./serve/worker.js')).workerCommand,
  data: async () => (await import('./data/data.js')).dataCommand,
  models: async () => (await import('./data/models.js')).modelsCommand,
  ray: async () => (await import('./places/ray.js')).rayCommand,
  auth: async () => (await import('./auth/auth.js')).authCommand,
  doctor: async () => (await import('./upkeep/doctor.js')).doctorCommand,
  debug: async () => (await import('./upkeep/debug.js')).debugCommand,
  backup: async () => (await import('./upkeep/backup.js')).backupCommand,
  completion: async () => (await import('./completion.js')).completionCommand,
};

/** The one that the first word names, else all of them: for help, for completion, and to say what was probably meant. */
async function registersFor([first = '']: readonly string[]): Promise<readonly Register[]> {
  const named = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  return Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map((load) => load()));
}

/** Gives the exit status. */
async function main(words: readonly string[]): Promise<number> {
  let status = 0;
  const parser: Argv<object> = yargs([...words])
    .scriptName('dss')
    .usage('$0 <command>\n\nRuns every trial of a sweep on this machine and says what is better, and how sure that is.')
    .example('$0 sweep sweeps/quickstart.yaml', 'run a sweep, or go on with it')
    .example('$0 plan sweeps/quickstart.yaml', 'what it would run; nothing starts')
    .epilogue(
      'Exit status: 0 all trials done, 1 some failed, 2 wrong use, 75 try again, 129, 130 and 143 stopped by a signal.',
    )
    .parserConfiguration({ 'camel-case-expansion': true, 'boolean-negation': false, 'greedy-arrays': false })
    .version(ownVersion())
    .help()
    .alias('help', 'h')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .strict()
    .demandCommand(1, 'a command is missing')
    .exitProcess(false)
    .middleware((args) => refuseNoNumbers(args, words))
    .fail((message, error) => {
      // A mistake in the words comes as a message or as an error of yargs' own; any other error came from a command.
      if (error !== undefined && error !== null && error.name !== 'YError') throw error;
      throw usageError(message ?? error.message, words, parserState(parser));
    });
  for (const register of await registersFor(words)) register(parser, (ended) => (status = ended));
  await parser.parseAsync();
  return status;
}

const words = hideBin(process.argv);
const isDebug = process.env['DSS_DEBUG'] === '1';

/** What they do is to print. */
const READERS = new Set(['status', 'watch', 'logs', 'results']);

// A reader that has seen enough (`dss results … | head`) is no failure, and what others do goes on without one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    if (READERS.has(words[0] ?? '')) process.exit(0);
    return;
  }
  if (error.code === 'EIO') return;
  process.exit(reportFailure(Object.assign(error, { path: 'stdout' }), { json: false, debug: isDebug }));
});
// `2>&1 | head`, a terminal that was closed, a log file on a full disk: what is said is lost; the work goes on.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (!['EPIPE', 'EIO', 'ENOSPC'].includes(error.code ?? '')) throw error;
});

try {
  process.exitCode = await main(words);
} catch (reason) {
  const json = words.some((word) => word === '--json' || word === '--json=true');
  process.exitCode = reportFailure(reason, { json, debug: isDebug });
}
