/**
 * MLflow's REST API, version 2.0, as its server speaks it since 1.x. Node's own HTTP: `fetch` has no way to trust one more
 * certificate without a package.
 */
import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import { SweepError } from '../../core/errors.js';
import type { MlflowAddress } from './address.js';

type Json = Readonly<Record<string, unknown>>;

export interface MlflowRest {
  /** @throws SweepError; `MlflowRefusal` where the server answered, and said no */
  get(path: string, query: Readonly<Record<string, string>>): Promise<Json>;
  post(path: string, body: Json): Promise<Json>;
  close(): void;
}

/** The server has answered that it did not do it. */
export class MlflowRefusal extends SweepError {
  /** MLflow's own, such as RESOURCE_DOES_NOT_EXIST; empty: it gave none. */
  readonly reason: string;

  constructor(code: ConstructorParameters<typeof SweepError>[0], message: string, reason: string, hint: string) {
    super(code, message, { hint });
    this.reason = reason;
  }
}

const API = '/api/2.0/mlflow/';
/** Without a byte from the server. */
const SILENCE_MS = 30_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function mlflowRest({ url, authorization, ca, secrets }: MlflowAddress): MlflowRest {
  const base = new URL(url);
  const isSecure = base.protocol === 'https:';
  const agent = isSecure
    ? new https.Agent({ keepAlive: true, maxSockets: 4, ...(ca === null ? {} : { ca: [...rootCertificates, ca] }) })
    : new http.Agent({ keepAlive: true, maxSockets: 4 });

  const clean = (text: string) => secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
  const unavailable = (what: string, cause?: unknown) =>
    new SweepError('UNAVAILABLE', clean(`MLflow at ${url}: ${what}`), {
      cause,
      hint: 'what was sent is known; try again later',
    });

  function call(method: string, path: string, body: string | null): Promise<Json> {
    return new Promise((resolve, reject) => {
      const request = (isSecure ? https : http).request(
        `${url}${API}${path}`,
        {
          method,
          agent,
          timeout: SILENCE_MS,
          headers: {
            accept: 'application/json',
            ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
            ...(authorization === null ? {} : { authorization }),
          },
        },
        (response) => {
          const pieces: Buffer[] = [];
          let bytes = 0;
          response.on('data', (piece: Buffer) => {
            bytes += piece.length;
            if (bytes > MAX_ANSWER_BYTES)
              request.destroy(new Error(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`));
            else pieces.push(piece);
          });
          response.on('error', (cause) => reject(unavailable(cause.message, cause)));
          response.on('end', () => {
            const text = Buffer.concat(pieces).toString('utf8');
            try {
              resolve(answerOf(response, text, path.replace(/\?.*/, '')));
            } catch (reason) {
              reject(reason);
            }
          });
        },
      );
      request.on('timeout', () => request.destroy(new Error(`no answer within ${SILENCE_MS / 1000} s`)));
      request.on('error', (cause: NodeJS.ErrnoException) =>
        reject(unavailable(cause.message || (cause.code ?? ''), cause)),
      );
      request.end(body ?? undefined);
    });
  }

  function answerOf({ statusCode = 0, headers }: http.IncomingMessage, text: string, what: string): Json {
    const value = asObject(text);
    if (statusCode === 200 && value !== null) return value;
    const reason = typeof value?.['error_code'] === 'string' ? value['error_code'] : '';
    const said = typeof value?.['message'] === 'string' ? firstLine(value['message']) : '';
    const message = clean(`MLflow at ${url}: ${what}: ${[statusCode, reason].join(' ').trim()}${said && `: ${said}`}`);
    if (statusCode === 401 || statusCode === 403) {
      throw new MlflowRefusal('AUTH_INVALID', message, reason, LOGIN_HINT);
    }
    if (statusCode === 429 || statusCode >= 500) throw unavailable(`${what}: ${statusCode}${said && `: ${said}`}`);
    if (statusCode >= 300 && statusCode < 400) {
      // A token goes to the address that it was given for, and nowhere else.
      const there = headers.location?.replace(/[?#].*/, '') ?? 'another address';
      throw new MlflowRefusal(
        'USAGE',
        message,
        reason,
        `it sends elsewhere: let MLFLOW_TRACKING_URI name ${clean(there)}`,
      );
    }
    throw new MlflowRefusal('USAGE', message, reason, value === null ? 'is that an MLflow server?' : '');
  }

  return {
    get: (path, query) => call('GET', `${path}?${new URLSearchParams(query)}`, null),
    post: (path, body) => call('POST', path, JSON.stringify(body)),
    close: () => agent.destroy(),
  };
}

const LOGIN_HINT =
  'MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, say who asks; or ~/.mlflow/credentials';

function asObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : null;
  } catch {
    return null;
  }
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 500);
}
