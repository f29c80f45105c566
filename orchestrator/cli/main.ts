#!/usr/bin/env node
/** The command `dss`. Only what every call needs is loaded here, so that help and mistakes answer at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { SweepError } from '../core/errors.js';
import { authCommand } from './auth.js';
import { backupCommand } from './backup.js';
import { cancelCommand } from './cancel.js';
import type { Register } from './command.js';
import { completionCommand } from './completion.js';
import { dataCommand } from './data.js';
import { doctorCommand } from './doctor.js';
import { exportCommand } from './export.js';
import { reportFailure } from './failure.js';
import { logsCommand } from './logs.js';
import { modelsCommand } from './models.js';
import { pauseCommand } from './pause.js';
import { planCommand } from './plan.js';
import { packageRoot } from './python.js';
import { reportCommand } from './report.js';
import { resultsCommand } from './results.js';
import { resumeCommand } from './resume.js';
import { retryCommand } from './retry.js';
import { runCommand } from './run.js';
import { serveCommand } from './serve.js';
import { statusCommand } from './status.js';
import { sweepCommand } from './sweep.js';
import { usageError } from './usage.js';
import { workerCommand } from './worker.js';

const COMMANDS: readonly Register[] = [
  sweepCommand,
  runCommand,
  planCommand,
  statusCommand,
  logsCommand,
  resultsCommand,
  reportCommand,
  exportCommand,
  cancelCommand,
  retryCommand,
  pauseCommand,
  resumeCommand,
  serveCommand,
  workerCommand,
  dataCommand,
  modelsCommand,
  authCommand,
  doctorCommand,
  backupCommand,
  completionCommand,
];

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
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
    .version(version())
    .help()
    .alias('help', 'h')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .strict()
    .recommendCommands()
    .demandCommand(1, 'a command is missing')
    .exitProcess(false)
    .fail((message, error) => {
      // A mistake in the words comes as a message or as an error of yargs' own; any other error came from a command.
      if (error !== undefined && error !== null && error.name !== 'YError') throw error;
      throw usageError(message ?? error.message, words, knownFlags(parser));
    });
  for (const register of COMMANDS) register(parser, (ended) => (status = ended));
  await parser.parseAsync();
  return status;
}

/** Of the command that was being read; yargs has it, its types do not. */
function knownFlags(parser: Argv<object>): readonly string[] {
  const { getOptions } = parser as unknown as {
    getOptions?: () => { readonly key: Readonly<Record<string, unknown>> };
  };
  return Object.keys(getOptions?.call(parser).key ?? {});
}

// A reader that has seen enough (`dss results … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  if (error.code !== 'EIO') throw error;
});
// `2>&1 | head`, or a terminal that was closed: nobody reads what is said any more; the work goes on.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
});

const words = hideBin(process.argv);
try {
  process.exitCode = await main(words);
} catch (reason) {
  const json = words.some((word) => word === '--json' || word === '--json=true');
  process.exitCode = reportFailure(SweepError.from(reason), { json, debug: process.env['DSS_DEBUG'] === '1' });
}
