/** Where MLflow is and what to show it, by the variables of its own client. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SweepError } from '../../core/errors.js';

export interface MlflowAddress {
  /** Without a slash at the end, and without what is secret. */
  readonly url: string;
  /** Of the header Authorization; `null`: none is sent. */
  readonly authorization: string | null;
  /** Certificates to trust besides, PEM; `null`: those of the system alone. */
  readonly ca: string | null;
  /** What must not stand in any message. */
  readonly secrets: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws SweepError USAGE, AUTH_INVALID; none of them shows a secret */
export function mlflowAddress(text: string, env: Env): MlflowAddress {
  const url = parsed(text);
  const inUrl = url.username === '' ? null : { user: decoded(url.username), password: decoded(url.password) };
  url.username = '';
  url.password = '';
  const { authorization, secrets } = credentials(inUrl, env);
  return {
    url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    authorization,
    ca: certificates(env),
    secrets,
  };
}

function parsed(text: string): URL {
  const scheme = /^[a-z][a-z0-9+-]*(?=:)/i.exec(text)?.[0].toLowerCase();
  if (scheme === 'http' || scheme === 'https') {
    try {
      return new URL(text);
    } catch {
      // Its text may hold a password.
      throw new SweepError('USAGE', 'MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got what is no address');
    }
  }
  const isDatabricks = /^databricks(?:-uc)?(?::|$)/.test(text);
  const got = isDatabricks ? 'databricks' : scheme === undefined || scheme === 'file' ? 'a folder' : `${scheme}:…`;
  throw new SweepError('USAGE', `MLFLOW_TRACKING_URI: expected http(s)://HOST:PORT, got ${got}`, {
    hint: 'only a server is sent to; `mlflow server` makes one of a folder or database',
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Login {
  readonly user: string;
  readonly password: string;
}

/** A login before a token, as MLflow's own client has it; the file ~/.mlflow/credentials last. */
function credentials(inUrl: Login | null, env: Env): Pick<MlflowAddress, 'authorization' | 'secrets'> {
  const [user, password] = [env['MLFLOW_TRACKING_USERNAME'], env['MLFLOW_TRACKING_PASSWORD']];
  const login = inUrl ?? (user && password ? { user, password } : null);
  if (login !== null) return basic(login);
  const token = env['MLFLOW_TRACKING_TOKEN'];
  if (token) {
    if (!/^[!-~]+$/.test(token))
      throw new SweepError('AUTH_INVALID', 'MLFLOW_TRACKING_TOKEN holds no token: expected one word');
    return { authorization: `Bearer ${token}`, secrets: [token] };
  }
  const kept = credentialsFile(env);
  return kept === null ? { authorization: null, secrets: [] } : basic(kept);
}

function basic({ user, password }: Login): Pick<MlflowAddress, 'authorization' | 'secrets'> {
  const encoded = Buffer.from(`${user}:${password}`).toString('base64');
  return { authorization: `Basic ${encoded}`, secrets: [password, encoded].filter((each) => each !== '') };
}

function credentialsFile(env: Env): Login | null {
  let text: string;
  try {
    text = readFileSync(join(env['HOME'] || homedir(), '.mlflow', 'credentials'), 'utf8');
  } catch {
    return null;
  }
  const section = /^\[mlflow\][^\n]*\n((?:(?!\[)[^\n]*\n?)*)/m.exec(text)?.[1] ?? '';
  const textOf = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(.*?)\\s*$`, 'm').exec(section)?.[1];
  const [user, password] = [textOf('mlflow_tracking_username'), textOf('mlflow_tracking_password')];
  return user && password ? { user, password } : null;
}

function certificates(env: Env): string | null {
  if (/^(?:true|1)$/i.test(env['MLFLOW_TRACKING_INSECURE_TLS'] ?? '')) {
    throw new SweepError('USAGE', 'MLFLOW_TRACKING_INSECURE_TLS is set, and certificates are always checked here', {
      hint: 'unset it; MLFLOW_TRACKING_SERVER_CERT_PATH names a certificate to trust',
    });
  }
  const path = env['MLFLOW_TRACKING_SERVER_CERT_PATH'];
  if (!path) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SweepError('AUTH_INVALID', `MLFLOW_TRACKING_SERVER_CERT_PATH: ${(cause as Error).message}`, { cause });
  }
}
