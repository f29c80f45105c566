/** `dss auth …`: certificates and tokens, by which a control plane serves more than this machine. */
import type { Argv } from 'yargs';
import { ROLES } from '../../core/roles.js';
import { defineCommand, homeFlag, jsonFlag, type Register } from '../command.js';

const daysFlag = (what: string) => ({ type: 'number', requiresArg: true, describe: `days until ${what}` }) as const;

const initCommand = defineCommand({
  usage: 'init',
  summary: 'Make a CA, and certificates for the server and for workers',
  examples: [
    ['$0 auth init --host lab.example,10.0.0.5', 'the names that other machines call this one'],
    ['$0 auth init --renew', 'new certificates of the same CA; a control plane that runs takes them up'],
  ],
  flags: (argv) =>
    argv
      .option('host', { type: 'string', requiresArg: true, describe: 'names and IP addresses, separated by commas' })
      .option('days', { ...daysFlag('the certificates expire'), default: 365 })
      .option('renew', { type: 'boolean', default: false, describe: 'for the same names, unless --host says others' })
      .option('keep', { type: 'boolean', default: false, describe: 'make none where there are some already' })
      .options(homeFlag),
  run: async ({ host, days, renew, keep, home }) => {
    const { initAuth } = await import('./auth-certificates.js');
    return initAuth({ host, days, renew, keep, home });
  },
});

const showCommand = defineCommand({
  usage: 'show',
  summary: 'Show the certificates: names, validity, fingerprints',
  examples: [['$0 auth show', 'compare the fingerprint of the CA with the one that a worker was given']],
  flags: (argv) => argv.options({ ...homeFlag, ...jsonFlag }),
  run: async ({ home, json }) => {
    const { showAuth } = await import('./auth-certificates.js');
    return showAuth({ home, json });
  },
});

const listCommand = (kind: 'user' | 'pool') =>
  defineCommand({
    usage: 'list',
    summary: kind === 'user' ? "Show people's tokens, not the tokens themselves" : 'Show the tokens of pools',
    examples: [[`$0 auth ${kind === 'user' ? 'token' : 'pool'} list`, 'ids, names, when they expire']],
    flags: (argv) => argv.options({ ...homeFlag, ...jsonFlag }),
    run: async ({ home, json }) => {
      const { listTokens } = await import('./auth-tokens.js');
      return listTokens(kind, { home, json });
    },
  });

const revokeCommand = (kind: 'user' | 'pool') =>
  defineCommand({
    usage: 'revoke <token>',
    summary: 'Let a token be good for nothing from now on',
    examples: [[`$0 auth ${kind === 'user' ? 'token' : 'pool'} revoke 3f1c0a9be211`, 'by the id that list shows']],
    flags: (argv) =>
      argv.positional('token', { type: 'string', demandOption: true, describe: 'id, by `list`' }).options(homeFlag),
    run: async ({ token, home }) => {
      const { revokeToken } = await import('./auth-tokens.js');
      return revokeToken(kind, token, { home });
    },
  });

const createTokenCommand = defineCommand({
  usage: 'create',
  summary: 'Grant a person a token, which is printed once',
  examples: [
    ['$0 auth token create --user anna --role submit', 'she keeps it in a file and names that in DSS_TOKEN_FILE'],
  ],
  flags: (argv) =>
    argv
      .option('user', { type: 'string', requiresArg: true, demandOption: true, describe: 'whose it is' })
      .option('role', { choices: ROLES, demandOption: true, describe: 'what it is good for' })
      .option('days', daysFlag('it expires (default: never)'))
      .options(homeFlag),
  run: async ({ user, role, days, home }) => {
    const { grantToken } = await import('./auth-tokens.js');
    return grantToken({ kind: 'user', user, role }, { days, home });
  },
});

const createPoolCommand = defineCommand({
  usage: 'create <pool>',
  summary: 'Grant a pool of workers a token to join with, which is printed once',
  examples: [['$0 auth pool create lab', 'its workers keep it in a file and name that in DSS_JOIN_TOKEN_FILE']],
  flags: (argv) =>
    argv
      .positional('pool', { type: 'string', demandOption: true, describe: 'name of the pool' })
      .option('days', daysFlag('it expires (default: never)'))
      .options(homeFlag),
  run: async ({ pool, days, home }) => {
    const { grantToken } = await import('./auth-tokens.js');
    return grantToken({ kind: 'pool', pool }, { days, home });
  },
});

const group = (name: string, summary: string, commands: readonly Register[], missing: string): Register => {
  return (argv, ended) =>
    argv.command(name, summary, (each: Argv<object>) => {
      for (const register of commands) register(each, ended);
      return each.demandCommand(1, missing);
    });
};

const tokenCommands = [createTokenCommand, listCommand('user'), revokeCommand('user')];
const poolCommands = [createPoolCommand, listCommand('pool'), revokeCommand('pool')];

export const authCommand = group(
  'auth',
  'Certificates and tokens, to serve more than this machine',
  [
    initCommand,
    showCommand,
    group('token', 'Tokens of people', tokenCommands, 'auth token: one of create, list, revoke is missing'),
    group('pool', 'Tokens of pools of workers', poolCommands, 'auth pool: one of create, list, revoke is missing'),
  ],
  'auth: one of init, show, token, pool is missing',
);
