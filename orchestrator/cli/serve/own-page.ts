/** The page of a control plane that a command started, and what else looks at it from outside: metrics, traces, notifications. */
import type { Logger } from 'pino';
import { readServerTls } from '../../auth/tls-files.js';
import type { ControlPlane } from '../../control/control-plane.js';
import { SweepError } from '../../core/errors.js';
import { createMetrics } from '../../observe/metrics.js';
import { startTraces, traceOptionsOf } from '../../observe/traces.js';
import { startWeb, type WebServer } from '../../web/web-server.js';
import { note } from '../output.js';
import { ownVersion } from '../version.js';
import { openBrowser } from './open-browser.js';
import { startWebhook } from './own-webhook.js';

export interface PageFlags {
  /** HOST:PORT, `auto` (on this machine, at the usual port if it is free), or `off`. */
  readonly webListen: string;
  /** Names, separated by commas. */
  readonly webHost: string;
  /** In a browser, at once. */
  readonly open: boolean;
}

const USUAL_PAGE = '127.0.0.1:7380';
const ANY_PAGE = '127.0.0.1:0';

/** `path`: of the page, for the browser and for the line that names it. Gives what ends it. */
export async function startPage(
  plane: ControlPlane,
  { home, logger, path = '' }: { readonly home: string; readonly logger: Logger; readonly path?: string },
  { webListen, webHost, open }: PageFlags,
): Promise<{ close(): Promise<void> }> {
  const traces = traceOptionsOf(process.env, ownVersion());
  const endTraces = traces === null ? async () => {} : startTraces(plane.view, traces, logger);
  const endWebhook = startWebhook(plane, logger);
  const endOthers = () => {
    endWebhook();
    return endTraces();
  };
  if (webListen === 'off') return { close: endOthers };
  const version = ownVersion();
  const hosts = webHost.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  const metrics = createMetrics(plane.view, version);
  const startAt = (listenOn: string): Promise<WebServer> =>
    startWeb({ view: plane.view, metrics, logger, version, listenOn, hosts, tls: () => readServerTls(home) });
  let web: WebServer;
  try {
    web =
      webListen === 'auto'
        ? await startAt(USUAL_PAGE).catch(otherwise(() => startAt(ANY_PAGE)))
        : await startAt(webListen);
  } catch (reason) {
    metrics.close();
    await endOthers();
    throw reason;
  }
  note(`page:    ${web.url}${path}`);
  if (open) openBrowser(`${web.url}${path}`);
  return {
    close: async () => {
      await web.close();
      metrics.close();
      await endOthers();
    },
  };
}

/** For a port that is taken. */
function otherwise<T>(start: () => Promise<T>): (reason: unknown) => Promise<T> {
  return (reason) => {
    if (reason instanceof SweepError && reason.code === 'UNAVAILABLE') return start();
    throw reason;
  };
}
