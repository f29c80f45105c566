/** What the API server asks a node for: the logs of containers, and connections to ports of pods. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Container } from './container.js';
import type { NodeConfig } from './node-config.js';
import { HOST_ADDRESS } from './node-config.js';
import { forwardPort } from './port-forward.js';

export type FindContainer = (namespace: string, pod: string, container: string) => Container | undefined;

export function serveKubelet({ identity, ca, kubeletPort }: NodeConfig, find: FindContainer): Server {
  const server = createServer({
    cert: identity.certificate,
    key: identity.key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void answerLogs(request, response, find).catch(() => response.destroy());
  });
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://node');
    const port = Number(searchParams.get('ports') ?? searchParams.get('port'));
    if (pathname.startsWith('/portForward/') && port > 0) forwardPort(request, socket, head, port);
    else socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
  });
  return server.listen(kubeletPort, HOST_ADDRESS);
}

async function answerLogs(request: IncomingMessage, response: ServerResponse, find: FindContainer): Promise<void> {
  const { pathname, searchParams: query } = new URL(request.url ?? '', 'https://node');
  const [, namespace = '', pod = '', name = ''] = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(pathname) ?? [];
  if (name === '') {
    response.writeHead(404).end('this node knows containerLogs and portForward alone\n');
    return;
  }
  const previous = query.get('previous') === 'true';
  const log = find(namespace, pod, name)?.log(previous);
  if (log === undefined) {
    const what = previous ? 'has no run before this one' : 'is waiting to start';
    response.writeHead(400).end(`container "${name}" in pod "${pod}" ${what}`);
    return;
  }
  const number = (key: string) => (query.get(key) === null ? undefined : Number(query.get(key)));
  const [tail, limitBytes, since] = [number('tailLines'), number('limitBytes'), number('sinceSeconds')];
  const sinceMs = since === undefined ? Date.parse(query.get('sinceTime') ?? '1970-01-01') : Date.now() - since * 1000;
  response.writeHead(200, { 'Content-Type': 'text/plain' }).flushHeaders();
  const lines = log.read({
    sinceMs,
    withTimes: query.get('timestamps') === 'true',
    follow: query.get('follow') === 'true',
    ...(tail === undefined ? {} : { tail }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  });
  for await (const line of lines) {
    if (response.destroyed) return;
    response.write(line);
  }
  response.end();
}
