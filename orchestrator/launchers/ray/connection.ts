/** Where a cluster is and what it is shown: from settings, files and the environment, checked before anything is sent. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SweepError } from '../../core/errors.js';
import type { RaySettings } from '../../core/sweep/places/ray-settings.js';

const DASHBOARD_PORT = 8265;
const CLIENT_PORT = 10001;

export interface RayTls {
  readonly ca: Buffer | null;
  readonly certificate: Buffer | null;
  readonly key: Buffer | null;
}

export interface RayConnection {
  /** Of the dashboard, without a slash at the end; `null`: it is not spoken to. */
  readonly dashboard: URL | null;
  /** HOST:PORT of the client server; `null`: it is not spoken to. */
  readonly client: string | null;
  /** `null`: the cluster asks for none, as far as is known. */
  readonly token: string | null;
  readonly tls: RayTls;
}

/** @throws SweepError USAGE for a file that cannot be read, or an adapter that the address does not have */
export function connectionOf(settings: RaySettings, env: NodeJS.ProcessEnv = process.env): RayConnection {
  const { address, adapter } = settings;
  const at = /^(?:(?<scheme>ray|https?):\/\/)?(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>\d+))?$/.exec(address)?.groups;
  const { scheme = '', host = '127.0.0.1', port } = at ?? {};
  // An address with a scheme names one port; the other is where Ray puts it.
  const isRest = scheme.startsWith('http');
  const dashboard = new URL(
    settings.dashboard ??
      (isRest ? address : `http://${host}:${scheme === '' ? (port ?? DASHBOARD_PORT) : DASHBOARD_PORT}`),
  );
  const client = `${host}:${scheme === 'ray' ? (port ?? CLIENT_PORT) : CLIENT_PORT}`;
  return {
    dashboard: adapter === 'client' ? null : dashboard,
    client: adapter === 'jobs' ? null : client,
    token: tokenOf(settings, env),
    tls: {
      ca: fileOf(settings.ca ?? env['RAY_TLS_CA_CERT'], 'ca'),
      certificate: fileOf(settings.certificate ?? env['RAY_TLS_SERVER_CERT'], 'certificate'),
      key: fileOf(settings.key ?? env['RAY_TLS_SERVER_KEY'], 'key'),
    },
  };
}

/** As Ray's own tools look for it: RAY_AUTH_TOKEN, the file that RAY_AUTH_TOKEN_PATH names, ~/.ray/auth_token. */
function tokenOf({ tokenFile }: RaySettings, env: NodeJS.ProcessEnv): string | null {
  if (tokenFile !== null) return wordOf(fileOf(tokenFile, 'token_file'), tokenFile);
  if (env['RAY_AUTH_TOKEN']) return env['RAY_AUTH_TOKEN'].trim();
  const named = env['RAY_AUTH_TOKEN_PATH'];
  if (named) return wordOf(fileOf(named, 'token_file'), named);
  try {
    const path = join(env['HOME'] || homedir(), '.ray', 'auth_token');
    return wordOf(readFileSync(path), path);
  } catch {
    return null;
  }
}

function wordOf(bytes: Buffer | null, path: string): string {
  const word = bytes?.toString('utf8').trim() ?? '';
  if (/^[\x21-\x7e]+$/.test(word)) return word;
  throw new SweepError('USAGE', `${path} holds no token: expected one word`, { hint: '`ray get-auth-token` shows it' });
}

function fileOf(path: string | null | undefined, setting: string): Buffer | null {
  if (!path) return null;
  try {
    return readFileSync(path);
  } catch (cause) {
    const hint = 'paths below run.ray are of the machine on which the control plane runs';
    throw new SweepError('USAGE', `run.ray.${setting}: ${path} cannot be read: ${(cause as Error).message}`, {
      hint,
      cause,
    });
  }
}
