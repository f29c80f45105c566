/** Which control plane a command is about when it is not about a state folder here, and what to show it. */
import { readFileSync } from 'node:fs';
import type { ClientTls } from '../../auth/tls-files.js';
import { isAddress, isLoopback, splitAddress } from '../../control/address.js';
import { SweepError } from '../../core/errors.js';
import { resolveHome } from '../environment.js';
import { findRunningPlane } from './running-plane.js';

export interface WhereFlags {
  readonly server?: string | undefined;
  readonly home?: string | undefined;
  /** Of the kubeconfig, for a control plane in Kubernetes. */
  readonly context?: string | undefined;
}

export interface Server {
  /** HOST:PORT. */
  readonly address: string;
  /** What it was called, where that is not its address. */
  readonly name?: string;
  readonly token: string;
  readonly tls?: ClientTls;
  /** HOST:PORT of files, where they are not at the port that it says on the host of `address`. */
  readonly storeAddress?: string;
}

/**
 * By the flag, else by $DSS_SERVER unless a state folder is named; `null`: it is about the state folder. A token comes
 * from the environment or a file: an argument can be read by everybody on the machine.
 *
 * @throws SweepError USAGE, AUTH_INVALID
 */
export async function findServer(
  { server, home, context }: WhereFlags,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Server | null> {
  const address = server ?? (home === undefined ? env['DSS_SERVER'] || undefined : undefined);
  if (address === undefined) return null;
  if (address.startsWith('kubernetes:')) {
    const { kubernetesServer } = await import('./kubernetes-server.js');
    return await kubernetesServer({ address, context, token: tokenOf(env), tls: await tlsOf(env) });
  }
  const { host, port } = splitAddress(address);
  const source = server === undefined ? 'DSS_SERVER' : '--server';
  if (!isAddress(address, { leastPort: 1 })) {
    throw new SweepError('USAGE', `${source}: expected HOST:PORT, got "${address}"`, {
      hint: '`dss serve` says its address when it starts; it goes without http://, which the page has',
    });
  }
  const given = tokenOf(env);
  // The token of a state folder goes to the control plane that wrote it there, and to no other port of this machine.
  const own = isLoopback(host) ? await findRunningPlane(resolveHome(home, env)) : null;
  if (own !== null && splitAddress(own.address).port === port) return { address, token: given ?? own.clientToken };
  if (given === null) {
    throw new SweepError('AUTH_INVALID', `no token for the control plane at ${address}: DSS_TOKEN_FILE is not set`, {
      hint: 'it names the file with a token of `dss auth token create`, which is run on the server; DSS_TOKEN holds one',
    });
  }
  const tls = await tlsOf(env);
  return { address, token: given, ...(tls === null ? {} : { tls }) };
}

function tokenOf(env: NodeJS.ProcessEnv): string | null {
  const path = env['DSS_TOKEN_FILE'];
  if (env['DSS_TOKEN']) return oneWord(env['DSS_TOKEN'].trim(), 'DSS_TOKEN');
  if (!path) return null;
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new SweepError('AUTH_INVALID', `DSS_TOKEN_FILE: ${path} cannot be read: ${(cause as Error).message}`, {
      hint: 'it holds a token of `dss auth token create`',
      cause,
    });
  }
  return oneWord(text, `DSS_TOKEN_FILE: ${path}`);
}

/** What is no token is not shown either: it may be one that was cut or pasted wrongly. */
function oneWord(text: string, source: string): string {
  if (/^[!-~]+$/.test(text)) return text;
  throw new SweepError('AUTH_INVALID', `${source} holds no token: expected one word`, {
    hint: '`dss auth token create` prints one',
  });
}

async function tlsOf(env: NodeJS.ProcessEnv): Promise<ClientTls | null> {
  const [ca, certificate, key] = ['DSS_TLS_CA', 'DSS_TLS_CERT', 'DSS_TLS_KEY'].map((name) => env[name] || undefined);
  if ((certificate === undefined) !== (key === undefined)) {
    throw new SweepError('AUTH_INVALID', 'DSS_TLS_CERT and DSS_TLS_KEY go together, and one of them is not set');
  }
  if (ca === undefined) return null;
  const { readClientTls } = await import('../../auth/tls-files.js');
  return readClientTls(ca, certificate === undefined || key === undefined ? null : { certificate, key });
}
