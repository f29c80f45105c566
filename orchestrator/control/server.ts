/** The gRPC servers: both services on one port, and on another for other machines. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { SweepError } from '../core/errors.js';
import { type ClientServiceServer, ClientServiceService } from '../wire/generated/dss/v1/client.js';
import { type WorkerServiceServer, WorkerServiceService } from '../wire/generated/dss/v1/worker.js';
import { isLoopback, splitAddress } from './address.js';
import { CHANNEL_OPTIONS } from './channel-options.js';

export interface ListenOptions {
  /** HOST:PORT. */
  readonly at: string;
  /** Of the certificates that there are. Asked for only where they are needed; throws SweepError AUTH_INVALID. */
  readonly tls: () => ServerCredentials;
  /** On this machine too. */
  readonly alwaysTls?: boolean;
}

export interface Services {
  readonly workers: WorkerServiceServer;
  readonly clients: ClientServiceServer;
}

export interface RunningServer {
  /** HOST:PORT for processes of this machine, without TLS. */
  readonly address: string;
  /** HOST:PORT for other machines; `null`: there is none. */
  readonly publicAddress: string | null;
  stop(): void;
}

/**
 * Beyond this machine everything is said by TLS. Beside such an address there is always one on loopback, for the
 * workers and commands of this machine: no certificate names what they call it.
 *
 * @throws SweepError LISTEN_REFUSED, AUTH_INVALID, UNAVAILABLE
 */
export async function listen(
  { at, tls, alwaysTls = false }: ListenOptions,
  servicesFor: (whom: 'this machine' | 'others') => Services,
): Promise<RunningServer> {
  const { host } = splitAddress(at);
  if (host === '') {
    throw new SweepError('LISTEN_REFUSED', `listening on "${at}" is refused: expected HOST:PORT`, {
      hint: 'use 127.0.0.1:0',
    });
  }
  const isPublic = alwaysTls || !isLoopback(host);
  const servers: Server[] = [];
  // `tryShutdown` would wait for streams that are made to stay open.
  const stop = () => {
    for (const server of servers) server.forceShutdown();
  };
  const open = (place: string, credentials: ServerCredentials, { workers, clients }: Services) => {
    const server = new Server(CHANNEL_OPTIONS);
    servers.push(server);
    server.addService(WorkerServiceService, workers);
    server.addService(ClientServiceService, clients);
    return bind(server, place, credentials);
  };
  try {
    const publicAddress = isPublic ? await open(at, tls(), servicesFor('others')) : null;
    const own = ServerCredentials.createInsecure();
    const address = await open(isPublic ? '127.0.0.1:0' : at, own, servicesFor('this machine'));
    return { address, publicAddress, stop };
  } catch (reason) {
    stop();
    throw reason;
  }
}

function bind(server: Server, at: string, credentials: ServerCredentials): Promise<string> {
  const { host } = splitAddress(at);
  return new Promise((resolve, reject) => {
    server.bindAsync(at, credentials, (error, port) => {
      if (error === null) resolve(`${host.includes(':') ? `[${host}]` : host}:${port}`);
      else reject(new SweepError('UNAVAILABLE', `cannot listen on ${at}: ${error.message}`, { cause: error }));
    });
  });
}
