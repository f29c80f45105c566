/** `dss auth …`: certificates and tokens, by which a control plane serves more than this machine. */
import { ROLES } from '../../core/roles.js';
import { defineCommand, defineGroup, homeFlag, jsonFlag } from '../command.js';

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
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ host, days, renew, keep, home, json }) => {
    const { initAuth } = await import('./auth-certificates.js');
    return initAuth({ host, days, renew, keep, home, json });
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
      argv
        .positional('token', { type: 'string', demandOption: true, describe: 'id, by `list`' })
        .options({ ...homeFlag, ...jsonFlag }),
    run: async ({ token, home, json }) => {
      const { revokeToken } = await import('./auth-tokens.js');
      return revokeToken(kind, token, { home, json });
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
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ user, role, days, home, json }) => {
    const { grantToken } = await import('./auth-tokens.js');
    return grantToken({ kind: 'user', user, role }, { days, home, json });
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
      .options({ ...homeFlag, ...jsonFlag }),
  run: async ({ pool, days, home, json }) => {
    const { grantToken } = await import('./auth-tokens.js');
    return grantToken({ kind: 'pool', pool }, { days, home, json });
  },
});

const tokenCommand = defineGroup({
  name: 'token',
  summary: 'Tokens of people',
  examples: [['$0 auth token create --user anna --role submit', 'print a token for one person']],
  commands: [createTokenCommand, listCommand('user'), revokeCommand('user')],
  missing: 'auth token: one of create, list, revoke is missing',
});

const poolCommand = defineGroup({
  name: 'pool',
  summary: 'Tokens of pools of workers',
  examples: [['$0 auth pool create lab', 'print a token for the workers of one pool']],
  commands: [createPoolCommand, listCommand('pool'), revokeCommand('pool')],
  missing: 'auth pool: one of create, list, revoke is missing',
});

export const authCommand = defineGroup({
  name: 'auth',
  summary: 'Certificates and tokens, to serve more than this machine',
  examples: [['$0 auth init --host lab.example', 'the first step: certificates for the name of this machine']],
  commands: [initCommand, showCommand, tokenCommand, poolCommand],
  missing: 'auth: one of init, show, token, pool is missing',
});
