/** Requests in, answers out, without a socket. */
import { Hono } from 'hono';
import type { Logger } from 'pino';
import type { PlaneView } from '../observe/plane-view.js';
import { Access } from './access.js';
import { mustBeOurs, SAFE_HEADERS } from './guard.js';
import { InFlight } from './in-flight.js';
import type { LiveBoards } from './live-boards.js';
import { API, openapiOf } from './openapi.js';
import type { PageFile } from './page-files.js';
import { Refusal } from './problem.js';
import { RateLimit } from './rate-limit.js';
import { PARAMETERS, type ParameterName, type Route } from './route.js';
import { createRoutes } from './routes.js';

export interface AppParts {
  readonly view: PlaneView;
  readonly boards: LiveBoards;
  readonly version: string;
  readonly logger: Logger;
  /** Names that this server goes by, without ports. */
  readonly hosts: ReadonlySet<string>;
  /** Reading needs no token: it listens on this machine only. */
  readonly isOpen: boolean;
  /** `null`: it was not built, and the API is all there is. */
  readonly page: ReadonlyMap<string, PageFile> | null;
  /** Text for Prometheus. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
  /** What limits are counted by; default: the process' own. */
  readonly nowMs?: (() => number) | undefined;
}

/** Given by the server: who is at the other end, and when the answer is on its way or given up. */
export interface AppEnv {
  readonly address: string;
  readonly onClose: (call: () => void) => void;
}

const BURST = 200;
const PER_SECOND = 50;
const STREAMS = { most: 64, each: 16 };
const LARGE = { most: 32, each: 8 };
const JSON_HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
const STREAM_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' };

export function createApp(parts: AppParts): Hono<{ Bindings: AppEnv }> {
  const { view, version, logger, hosts, isOpen, page, nowMs } = parts;
  const app = new Hono<{ Bindings: AppEnv }>({ strict: true });
  const access = new Access(view, isOpen, nowMs);
  const limit = new RateLimit(BURST, PER_SECOND, nowMs);
  const streams = new InFlight(STREAMS.most, STREAMS.each);
  const large = new InFlight(LARGE.most, LARGE.each);
  const routes = createRoutes(parts);
  const openapi = openapiOf(routes, version);

  app.use(async (context, next) => {
    if (!limit.take(context.env.address)) {
      context.res = new Refusal(429, 'TOO_MANY', 'too many requests', 'slow down').toResponse({ 'Retry-After': '1' });
    } else {
      const { pathname, search } = new URL(context.req.url);
      mustBeOurs(
        { method: context.req.method, url: `${pathname}${search}`, header: (name) => context.req.header(name) },
        hosts,
      );
      await next();
    }
    for (const [name, value] of Object.entries(SAFE_HEADERS)) context.res.headers.set(name, value);
  });
  app.onError((reason) => {
    const refusal = Refusal.from(reason);
    if (refusal.status === 500) logger.error({ err: reason }, 'a web request failed');
    return refusal.toResponse(SAFE_HEADERS);
  });
  app.notFound(() =>
    new Refusal(404, 'NOT_FOUND', 'there is nothing here', `${API}/openapi.json says what there is`).toResponse(),
  );

  for (const route of routes) {
    app.on(route.verb, `${API}${route.path.replace(/\{(\w+)\}/g, ':$1')}`, async (context) => {
      const caller = access.mustMay(route.needs, context.req.header('authorization'), context.env.address);
      if (route.answer === null) begin(streams, context.env, 'too many event streams', 'close another page');
      else if (route.isLarge) begin(large, context.env, 'too many large answers at once', 'take one after the other');
      const signal = context.req.raw.signal;
      const value = (name: ParameterName) => checked(name, context.req.param(name) ?? context.req.query(name), route);
      const answer = await route.serve({
        caller,
        value,
        signal,
        lastEventId: context.req.header('last-event-id') ?? '',
      });
      if (route.verb === 'post') logger.info({ user: caller.user, path: context.req.path }, 'asked by the web');
      if (answer instanceof ReadableStream) return new Response(answer, { headers: STREAM_HEADERS });
      if (answer instanceof Uint8Array)
        return new Response(answer as Uint8Array<ArrayBuffer>, { headers: JSON_HEADERS });
      return Response.json(answer, { headers: JSON_HEADERS });
    });
  }
  app.get(`${API}/openapi.json`, (context) => context.json(openapi));
  app.get('/healthz', (context) =>
    context.text(view.isLending() ? 'lending\n' : 'not lending\n', view.isLending() ? 200 : 503),
  );
  app.get('/metrics', async (context) => {
    access.mustMay('read', context.req.header('authorization'), context.env.address);
    const { type, text } = await parts.metrics();
    return context.body(text, 200, { 'Content-Type': type });
  });
  app.get('/:file{[\\w.-]+}', (context, next) => {
    const file = page?.get(`/${context.req.param('file')}`);
    return file === undefined ? next() : sent(file);
  });
  const shell = page?.get('/index.html');
  for (const path of ['/', '/sweeps/:sweep']) {
    app.get(path, (context) => {
      const sweep = context.req.param('sweep') ?? '';
      // It will be asked for in a moment, and a large one takes a while to read.
      if (isOpen && PARAMETERS.sweep.pattern.test(sweep)) parts.boards.of(sweep).catch(() => {});
      return shell === undefined ? notBuilt() : sent(shell);
    });
  }
  return app;
}

/** @throws Refusal */
function begin(among: InFlight, { address, onClose }: AppEnv, message: string, hint: string): void {
  const end = among.begin(address);
  if (end === null) throw new Refusal(429, 'TOO_MANY', message, hint);
  onClose(end);
}

function checked(name: ParameterName, value: string | undefined, { path, query }: Route): string {
  const isNeeded = path.includes(`{${name}}`) || name === 'first' || name === 'second';
  if (!isNeeded && !query.includes(name)) return '';
  if (value === undefined && !isNeeded) return '';
  const { pattern, says } = PARAMETERS[name];
  if (value === undefined || !pattern.test(value)) {
    throw new Refusal(400, 'USAGE', `${name}: expected the ${says}, got ${JSON.stringify((value ?? '').slice(0, 80))}`);
  }
  return value;
}

function sent({ type, bytes, isFixed }: PageFile): Response {
  const cache = isFixed ? 'public, max-age=31536000, immutable' : 'no-cache';
  return new Response(bytes, { headers: { 'Content-Type': type, 'Cache-Control': cache } });
}

function notBuilt(): Response {
  return new Refusal(503, 'PAGE_MISSING', 'the page was not built', '`npm run build` makes it').toResponse();
}
