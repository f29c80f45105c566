/**
 * One request to an API server after the other, none faster than agreed. Credentials, proxies and kubeconfigs are
 * @kubernetes/client-node's; the requests are our own, since its clients have no read limit, never tell Retry-After, drop
 * unknown keys of what they send, and end a watch for good on most errors (2026-11, 1.4.0).
 */
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { SweepError } from '../../core/errors.js';
import type { KubeConnection } from './kube-connection.js';
import { type KubeCall, KubeError } from './kube-error.js';
import { RequestRate } from './request-rate.js';

export interface KubeTransportOptions {
  readonly perSecond?: number;
  readonly burst?: number;
  /** Without a byte for so long, an answer is not waited for any more. */
  readonly silenceMs?: number;
}

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  readonly silenceMs?: number;
}

/** Of an error's body, which is kept whole. */
const LONGEST_BODY = 16 * 1024 * 1024;
const SILENCE_MS = 20_000;
/** For a 429 that does not say how long. */
const QUIET_MS = 1_000;
const MAX_QUIET_MS = 60_000;

export class KubeTransport {
  readonly #connection: KubeConnection;
  readonly #rate: RequestRate;
  readonly #silenceMs: number;
  #config: KubeConfig | null = null;
  /** What TLS connections were made with, and the agent that keeps them. */
  #kept: { readonly tls: string; readonly agent: https.Agent } | null = null;

  constructor(connection: KubeConnection, { perSecond = 5, burst = 20, silenceMs = SILENCE_MS }: KubeTransportOptions) {
    this.#connection = connection;
    this.#silenceMs = silenceMs;
    this.#rate = new RequestRate({
      perSecond,
      burst,
      nowMs: () => performance.now(),
      sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
    });
  }

  /** HOST:PORT, once something was asked; empty before. */
  get server(): string {
    return this.#config?.getCurrentCluster()?.server.replace(/^https?:\/\//, '') ?? '';
  }

  /** `take` is given the answer in pieces. @throws KubeError, or what `take` throws */
  async send(call: KubeCall, ask: Ask, take: (chunk: string) => void): Promise<void> {
    try {
      return await this.#sendOnce(call, ask, take);
    } catch (reason) {
      if (!(reason instanceof KubeError)) throw reason;
      // A kept connection that the server had just closed; or a token that has run out and may have been renewed.
      const wasClosed =
        ask.method === 'GET' && (reason.cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET';
      if (!wasClosed && reason.status !== 401) throw reason;
      if (reason.status === 401) this.#config = null;
      return await this.#sendOnce(call, ask, take);
    }
  }

  async #sendOnce(call: KubeCall, ask: Ask, take: (chunk: string) => void): Promise<void> {
    await this.#rate.turn(ask.signal);
    const { url, options, body: asked } = await this.#optionsFor(ask);
    const named = { ...call, server: url.host };
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown) => {
        if (cause instanceof KubeError) return reject(cause);
        return reject(new KubeError(named, { status: 0, message: (cause as Error).message, cause }));
      };
      const request = (url.protocol === 'http:' ? http : https).request(url, options, (response) => {
        const status = response.statusCode ?? 0;
        const isError = status >= 300;
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          if (isError) body = (body + chunk).slice(0, LONGEST_BODY);
          else {
            try {
              take(chunk);
            } catch (reason) {
              fail(reason); // first, or the end of the connection would be given as the reason
              request.destroy();
            }
          }
        });
        // In the middle of an answer, which is not its end.
        const cut = (cause?: unknown) => fail(new Error('the connection was cut', { cause }));
        response.on('error', cut);
        response.on('close', cut);
        response.on('end', () => {
          if (!isError) return resolve();
          const error = KubeError.ofResponse(named, status, body, response.headers['retry-after']);
          if (status === 429 || (status === 503 && error.retryAfterMs !== null)) {
            this.#rate.quiet(Math.min(error.retryAfterMs ?? QUIET_MS, MAX_QUIET_MS));
          }
          return reject(error);
        });
      });
      request.on('error', fail);
      const silenceMs = ask.silenceMs ?? this.#silenceMs;
      request.setTimeout(silenceMs, () => request.destroy(new Error(`no word for ${silenceMs / 1000} s`)));
      request.end(asked);
    });
  }

  async #optionsFor(ask: Ask): Promise<{ url: URL; options: https.RequestOptions; body: string }> {
    this.#config ??= this.#connection.load();
    const server = this.#config.getCurrentCluster()?.server ?? '';
    const url = new URL(server.replace(/\/$/, '') + ask.path);
    for (const [key, value] of Object.entries(ask.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, value);
    }
    const options: https.RequestOptions = { method: ask.method, headers: {} };
    try {
      await this.#config.applyToHTTPSOptions(options);
    } catch (cause) {
      // Of a plugin that gets credentials, a file that is not there, or a server by http that nothing allows.
      const message = `the kubeconfig gives no way to ${url.host}: ${(cause as Error).message}`;
      const hint = '`kubectl version` asks the same server with the same credentials';
      throw new SweepError('AUTH_INVALID', message, { hint, cause });
    }
    if (this.#config.getCurrentCluster()?.proxyUrl === undefined && url.protocol === 'https:') {
      options.agent = this.#agentFor(options);
    }
    const body = ask.body === undefined ? '' : JSON.stringify(ask.body);
    options.headers = { ...options.headers, Accept: 'application/json', 'User-Agent': 'dss' };
    if (body !== '') {
      // Node says no length of a DELETE's body by itself, and the server would take it for the next request.
      const length = { 'Content-Length': String(Buffer.byteLength(body)) };
      options.headers = { ...options.headers, 'Content-Type': ask.contentType ?? 'application/json', ...length };
    }
    if (ask.signal !== undefined) options.signal = ask.signal;
    return { url, options, body };
  }

  /** The library makes an agent for each request, and with it a TLS handshake. */
  #agentFor({ ca, cert, key, rejectUnauthorized, servername }: https.RequestOptions): https.Agent {
    const tls = JSON.stringify([String(ca), String(cert), String(key), rejectUnauthorized, servername]);
    if (this.#kept?.tls === tls) return this.#kept.agent;
    this.#kept?.agent.destroy();
    const given = { ca, cert, key, rejectUnauthorized, servername };
    const agent = new https.Agent({
      keepAlive: true,
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    });
    this.#kept = { tls, agent };
    return agent;
  }

  close(): void {
    this.#kept?.agent.destroy();
    this.#kept = null;
  }
}
