/** The web server's socket: on this machine by default; elsewhere by TLS, and for those with a token. */
import { X509Certificate } from 'node:crypto';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Logger } from 'pino';
import { SweepError } from '../core/errors.js';
import type { Metrics } from '../observe/metrics.js';
import type { PlaneView } from '../observe/plane-view.js';
import { createApp } from './app.js';
import { LiveBoards } from './live-boards.js';
import { pageFolder, readPage } from './page-files.js';

export interface WebOptions {
  readonly view: PlaneView;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Of dss. */
  readonly version: string;
  /** HOST:PORT. */
  readonly listenOn: string;
  /** PEM; needed beyond this machine. */
  readonly tls?: () => { readonly certificate: Buffer; readonly key: Buffer };
  /** Names that a proxy or a tunnel calls it by, besides its own. */
  readonly hosts?: readonly string[];
  /** Of the built page; default: where the build leaves it. */
  readonly pageFolder?: string;
  /** What limits are counted by; default: the process' own. */
  readonly nowMs?: () => number;
}

export interface WebServer {
  /** To open in a browser. */
  readonly url: string;
  close(): Promise<void>;
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** Longer than between two pings of a stream: whoever takes nothing for so long has gone, or only means to hold memory. */
const STALLED_MS = 45_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 256;

/** @throws SweepError LISTEN_REFUSED, AUTH_INVALID, UNAVAILABLE */
export async function startWeb(options: WebOptions): Promise<WebServer> {
  const { view, metrics, logger, version, listenOn, hosts = [] } = options;
  const { host, port } = addressOf(listenOn);
  const isOpen = LOOPBACK.includes(host);
  const tls = isOpen ? null : options.tls?.();
  if (tls === undefined) throw needsTls(listenOn);
  const boards = new LiveBoards(view, logger);
  const app = createApp({
    view,
    boards,
    version,
    logger,
    isOpen,
    hosts: new Set(
      [...(isOpen ? LOOPBACK : [host, ...namesOf(tls?.certificate)]), ...hosts].map((name) => name.toLowerCase()),
    ),
    page: readPage(options.pageFolder ?? pageFolder()),
    metrics: () => metrics.text(),
    nowMs: options.nowMs,
  });
  const server = createAdaptorServer({
    fetch: (request: Request, env: HttpBindings) =>
      app.fetch(request, {
        address: env.incoming.socket.remoteAddress ?? '',
        onClose: (call) => env.outgoing.once('close', call),
      }),
    overrideGlobalObjects: false,
    ...(tls === null
      ? { createServer: createHttp, serverOptions: { maxHeaderSize: MAX_HEADER_BYTES } }
      : {
          createServer: createHttps,
          serverOptions: { cert: tls.certificate, key: tls.key, maxHeaderSize: MAX_HEADER_BYTES },
        }),
  } as Parameters<typeof createAdaptorServer>[0]) as Server;
  Object.assign(server, { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, maxConnections: MAX_CONNECTIONS });
  server.setTimeout(STALLED_MS);
  server.on('clientError', (_, socket) => socket.destroy());
  const bound = await listen(server, host.replace(/^\[(.*)\]$/, '$1'), port, listenOn).catch(async (reason) => {
    await boards.close();
    throw reason;
  });
  return {
    url: `${tls === null ? 'http' : 'https'}://${host}:${bound}/`,
    close: async () => {
      await boards.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function listen(server: Server, host: string, port: number, listenOn: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new SweepError('UNAVAILABLE', `cannot serve the page on ${listenOn}: ${cause.message}`, {
          hint: '--web-listen names another place',
          cause,
        }),
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** @throws SweepError LISTEN_REFUSED */
function addressOf(listenOn: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(listenOn);
  const port = Number(match?.[2]);
  if (match?.[1] !== undefined && port <= 65_535) return { host: match[1], port };
  throw new SweepError('LISTEN_REFUSED', `a page at "${listenOn}" is refused: expected HOST:PORT`, {
    hint: 'use 127.0.0.1:7380',
  });
}

function needsTls(listenOn: string): SweepError {
  return new SweepError('LISTEN_REFUSED', `a page at "${listenOn}" is refused: only 127.0.0.1 is safe without TLS`, {
    hint: '`dss auth init --host NAME` makes certificates; or leave it here and reach it by `ssh -L`',
  });
}

function namesOf(certificate: Buffer | undefined): readonly string[] {
  if (certificate === undefined) return [];
  const { subjectAltName = '' } = new X509Certificate(certificate);
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name]) => name ?? '');
}
