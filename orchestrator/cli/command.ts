/** The frame of every command. Command files hold flags and help only; what does the work is imported when it runs. */
import type { ArgumentsCamelCase, Argv } from 'yargs';
import { SweepError } from '../core/errors.js';
import { withNamespace } from './server/kubernetes-namespace.js';

export interface Command<T = unknown> {
  /** As yargs writes it: `plan <file>`. */
  readonly usage: string;
  readonly summary: string;
  /** A command line and what it does, for `--help`. */
  readonly examples: readonly (readonly [string, string])[];
  readonly flags: (argv: Argv<object>) => Argv<T>;
  /** Gives the exit status. */
  run(args: ArgumentsCamelCase<T>): Promise<number>;
}

/** Registers a command; `ended` hears its exit status. */
export type Register = (argv: Argv<object>, ended: (status: number) => void) => Argv<object>;

export function defineCommand<T>({ usage, summary, examples, flags, run }: Command<T>): Register {
  return (argv, ended) =>
    argv.command(
      usage,
      summary,
      (each) => {
        for (const [line, what] of examples) each.example(line, what);
        return flags(each);
      },
      async (args) => {
        refuseRepeated(args);
        ended(await run(withNamespace(args)));
      },
    );
}

/** Of a command that has commands of its own, and does nothing without one. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly examples: Command['examples'];
  readonly commands: readonly Register[];
  /** What to say when none of them is named. */
  readonly missing: string;
}

export function defineGroup({ name, summary, examples, commands, missing }: CommandGroup): Register {
  return (argv, ended) =>
    argv.command(name, summary, (each: Argv<object>) => {
      for (const register of commands) register(each, ended);
      for (const [line, what] of examples) each.example(line, what);
      return each.demandCommand(1, missing);
    });
}

/** Lists are words; a flag given twice is a mistake that a last one to win would hide. */
function refuseRepeated(args: Readonly<Record<string, unknown>>): void {
  for (const [flag, value] of Object.entries(args)) {
    if (flag === '_' || flag === 'names' || flag === 'files' || !Array.isArray(value)) continue;
    throw new SweepError('USAGE', `--${flag} is given ${value.length} times: ${value.join(', ')}`);
  }
}

export const jsonFlag = {
  json: { type: 'boolean', default: false, describe: 'print one JSON document on stdout, all else on stderr' },
} as const;

export const homeFlag = {
  home: { type: 'string', requiresArg: true, describe: 'state folder (default: $DSS_HOME, else by XDG)' },
} as const;

export const namespaceFlag = {
  namespace: {
    alias: 'n',
    type: 'string',
    requiresArg: true,
    describe: 'of Kubernetes (default: that of the context)',
  },
} as const;

/** Of commands that a control plane elsewhere may answer. */
export const whereFlags = {
  server: {
    type: 'string',
    requiresArg: true,
    describe: 'HOST:PORT or kubernetes://NAMESPACE of a control plane (default: $DSS_SERVER, else the state folder)',
  },
  context: { type: 'string', requiresArg: true, describe: 'of the kubeconfig, with --server kubernetes://NAMESPACE' },
  ...namespaceFlag,
  ...homeFlag,
} as const;

export const datasetsFlag = {
  datasets: { type: 'string', requiresArg: true, describe: 'datasets folder (default: $DSS_DATASETS, else datasets/)' },
} as const;

export const logLevelFlag = {
  'log-level': {
    choices: ['error', 'warn', 'info', 'debug'] as const,
    default: 'warn' as const,
    describe: 'which log events to write on stderr',
  },
} as const;

/** Of the page that shows a sweep. */
export const openFlag = {
  open: { type: 'boolean', default: false, describe: 'open the page in a browser' },
} as const;

export const webHostFlag = {
  'web-host': {
    type: 'string',
    default: '',
    requiresArg: true,
    describe: 'names that a proxy calls the page by, separated by commas',
  },
} as const;

/** Of a control plane that workers on other machines come to. */
export const reachFlags = {
  advertise: {
    type: 'string',
    requiresArg: true,
    describe: 'HOST:PORT by which other machines reach it (default: this host by its name)',
  },
} as const;

/** Of commands that run trials. */
export const runFlags = {
  workers: { type: 'string', requiresArg: true, describe: 'worker processes: a number, or auto (one a device)' },
  slots: {
    type: 'number',
    requiresArg: true,
    describe: 'trials of each at once, where its device bears them (default: 1)',
  },
  explain: { type: 'boolean', default: false, describe: 'say for each merged or rejected cell which rule did it' },
  extend: {
    type: 'boolean',
    default: false,
    describe: 'add these trials to the sweep of that name; without it another set of trials is refused',
  },
  rerun: {
    type: 'boolean',
    default: false,
    describe: 'run trials again that have a result; the old ones stay in the log',
  },
  'retry-failed': { type: 'boolean', default: false, describe: 'run trials again that failed by their settings' },
  'ignore-memory': {
    type: 'boolean',
    default: false,
    describe: 'run trials too that by the plan fit on no device that is there',
  },
  grace: {
    type: 'number',
    default: 30,
    requiresArg: true,
    describe: 'seconds that running trials get after Ctrl-C to write down where they are',
  },
  ...whereFlags,
  ...datasetsFlag,
  ...logLevelFlag,
  ...jsonFlag,
} as const;
