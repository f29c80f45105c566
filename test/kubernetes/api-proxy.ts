/** Stands between a launcher and a real API server, and answers in its place where a test says so. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeConnection } from '../../orchestrator/launchers/kubernetes/kube-connection.js';

export interface ProxiedRequest {
  readonly method: string;
  readonly resource: string;
  readonly isWatch: boolean;
  /** That a watch goes on from. */
  readonly version: string;
  /** That it is asked with; empty: none. */
  readonly token: string;
  readonly atMs: number;
}

export type Reply =
  | 'pass'
  /** No byte, for ever. */
  | 'silence'
  /** The connection ends in the middle. */
  | 'cut'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string };

export class ApiProxy {
  readonly requests: ProxiedRequest[] = [];
  reply: (request: ProxiedRequest) => Reply = () => 'pass';
  readonly #real: KubeConfig;
  readonly #server: http.Server;
  readonly #watches = new Set<http.ServerResponse>();
  #port = 0;

  private constructor(real: KubeConfig) {
    this.#real = real;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  static async start(real: KubeConfig): Promise<ApiProxy> {
    const proxy = new ApiProxy(real);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    const address = proxy.#server.address();
    proxy.#port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    return proxy;
  }

  /** `token`: asked for whenever the connection is loaded. */
  connection(namespace: string, token: () => string | null = () => null): KubeConnection {
    const load = () => {
      const shown = token();
      const user = { name: 'nobody', ...(shown === null ? {} : { token: shown }) };
      const config = new KubeConfig();
      const server = `http://127.0.0.1:${this.#port}`;
      config.loadFromClusterAndUser({ name: 'proxy', server, skipTLSVerify: true }, user);
      return config;
    };
    return { load, namespace, isInCluster: false, source: 'a proxy' };
  }

  /** For a process of its own. JSON is YAML. `token`: that it shows; empty: none. */
  kubeconfig(namespace: string, token = ''): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'proxy', cluster: { server: `http://127.0.0.1:${this.#port}`, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'nobody', user: token === '' ? {} : { token } }],
      contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody', namespace } }],
      'current-context': 'proxy',
    });
  }

  /** One more line on every watch that goes through it. */
  say(event: object): void {
    for (const watch of this.#watches) watch.write(`${JSON.stringify(event)}\n`);
  }

  /** Ends what goes on through it. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://proxy');
    const seen = {
      method: request.method ?? '',
      resource: /namespaces\/[^/]+\/([^/]+)/.exec(url.pathname)?.[1] ?? '',
      isWatch: url.searchParams.get('watch') === 'true',
      version: url.searchParams.get('resourceVersion') ?? '',
      token: request.headers.authorization?.replace(/^Bearer /, '') ?? '',
      atMs: performance.now(),
    };
    this.requests.push(seen);
    const reply = this.reply(seen);
    if (reply === 'silence') return;
    if (reply === 'cut') {
      response.writeHead(200, { 'Content-Length': '1000' }).write('{', () => response.destroy());
      return;
    }
    if (reply !== 'pass') {
      response.writeHead(reply.status, { 'Content-Type': 'application/json', ...reply.headers }).end(reply.body);
      return;
    }
    const { authorization: _, ...headers } = request.headers;
    const options: https.RequestOptions = { method: seen.method, headers };
    await this.#real.applyToHTTPSOptions(options);
    const server = this.#real.getCurrentCluster()?.server ?? '';
    const onward = https.request(new URL(server + (request.url ?? '')), options, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
      if (seen.isWatch) this.#watches.add(response);
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => {
      this.#watches.delete(response);
      onward.destroy();
    });
    request.pipe(onward);
  }
}

export function statusBody(code: number, reason: string, message = reason): string {
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message });
}
