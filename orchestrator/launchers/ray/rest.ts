/**
 * Requests to Ray's dashboard, over node:http: what `fetch` sends of itself looks to Ray like a browser, which may not
 * post (405).
 */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { RayTls } from './connection.js';
import { RayError } from './ray-error.js';
import { type Pause, withRetries } from './retries.js';

export interface RestOptions {
  readonly base: URL;
  readonly token: string | null;
  readonly tls: RayTls;
  readonly pause: Pause;
  /** Of silence, not of the whole. */
  readonly timeoutMs?: number;
}

export interface RestAnswer {
  readonly status: number;
  readonly body: Buffer;
}

export interface RestRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: Buffer;
}

const TIMEOUT_MS = 20_000;
/** A list of thousands of jobs has 12 MiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Nothing of it was done, or doing it again does no harm. */
const AGAIN = new Set([408, 425, 429, 502, 503, 504]);

export class Rest {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Every status but those that a later try may change, and a refusal. Throws RayError unreachable or refused. */
  async ask(request: RestRequest): Promise<RestAnswer> {
    return withRetries(this.#options.pause, async () => {
      const answer = await this.#once(request);
      if (answer.status === 401 || answer.status === 403) throw this.#refused(answer);
      if (AGAIN.has(answer.status)) throw new RayError('unreachable', `${this.#where} answers ${answer.status}`);
      return answer;
    });
  }

  async askJson(method: RestRequest['method'], path: string, body?: unknown): Promise<RestAnswer & { json: unknown }> {
    const answer = await this.ask({
      method,
      path,
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    });
    try {
      return { ...answer, json: answer.status === 200 ? JSON.parse(answer.body.toString('utf8')) : null };
    } catch (cause) {
      throw new RayError('broken', `${this.#where}${path} does not answer in JSON`, {
        hint: 'is that the address of a Ray dashboard?',
        cause,
      });
    }
  }

  get #where(): string {
    return this.#options.base.origin;
  }

  #refused({ status }: RestAnswer): RayError {
    const message =
      status === 401
        ? `the Ray cluster at ${this.#where} wants a token, and ${this.#options.token === null ? 'none was given' : 'does not read the one that was given'}`
        : `the Ray cluster at ${this.#where} does not take the token that was given`;
    return new RayError('refused', message, {
      hint: '`ray get-auth-token` on the head shows it; RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or run.ray.token_file gives it',
    });
  }

  #once({ method, path, body }: RestRequest): Promise<RestAnswer> {
    const { base, token, tls, timeoutMs = TIMEOUT_MS } = this.#options;
    const url = new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base);
    const headers = {
      ...(body === undefined ? {} : { 'content-length': body.length, 'content-type': 'application/json' }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    };
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) => reject(unreachable(this.#where, cause));
      const secure = {
        ...(tls.ca === null ? {} : { ca: tls.ca }),
        ...(tls.certificate === null || tls.key === null ? {} : { cert: tls.certificate, key: tls.key }),
      };
      const heard = (answer: IncomingMessage) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MAX_ANSWER_BYTES) answer.destroy(new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`));
          else chunks.push(chunk);
        });
        answer.on('error', fail);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
      };
      const options = { method, headers, timeout: timeoutMs, agent: false };
      const sent =
        url.protocol === 'https:'
          ? requestHttps(url, { ...options, ...secure }, heard)
          : requestHttp(url, options, heard);
      sent.on('timeout', () => sent.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
      sent.on('error', fail);
      sent.end(body);
    });
  }
}

function unreachable(where: string, cause: Error): RayError {
  return new RayError('unreachable', `the Ray cluster at ${where} does not answer: ${cause.message}`, {
    hint: 'is that its dashboard, and may this machine connect to it? `ray start --dashboard-host` decides who may',
    cause,
  });
}
