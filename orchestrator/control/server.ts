/** The gRPC server: both services on one port of this machine. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { SweepError } from '../core/errors.js';
import { type ClientServiceServer, ClientServiceService } from '../wire/generated/dss/v1/client.js';
import { type WorkerServiceServer, WorkerServiceService } from '../wire/generated/dss/v1/worker.js';
import { CHANNEL_OPTIONS } from './channel-options.js';

export interface RunningServer {
  /** HOST:PORT. */
  readonly address: string;
  stop(): void;
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Throws SweepError LISTEN_REFUSED for anything but this machine: what is said here is not encrypted. */
export async function listen(
  at: string,
  services: { readonly workers: WorkerServiceServer; readonly clients: ClientServiceServer },
): Promise<RunningServer> {
  const host = at.slice(0, at.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  if (!LOOPBACK.has(host)) {
    throw new SweepError('LISTEN_REFUSED', `listening on "${at}" is refused: only 127.0.0.1 is safe without TLS`, {
      hint: 'use 127.0.0.1:0',
    });
  }
  const server = new Server(CHANNEL_OPTIONS);
  server.addService(WorkerServiceService, services.workers);
  server.addService(ClientServiceService, services.clients);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(at, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new SweepError('UNAVAILABLE', `cannot listen on ${at}: ${error.message}`, { cause: error }));
    });
  });
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    // `tryShutdown` would wait for streams that are made to stay open.
    stop: () => server.forceShutdown(),
  };
}
