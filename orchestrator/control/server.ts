/** The gRPC servers: both services on one port, and on another for other machines; beside each, one for files. */
import { createServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { SweepError } from '../core/errors.js';
import { type ClientServiceServer, ClientServiceService } from '../wire/generated/dss/v1/client.js';
import { type StoreServiceServer, StoreServiceService } from '../wire/generated/dss/v1/store.js';
import { type WorkerServiceServer, WorkerServiceService } from '../wire/generated/dss/v1/worker.js';
import { type HealthServer, HealthService } from '../wire/generated/grpc/health/v1/health.js';
import { bracketed, isAddress, isLoopback, splitAddress } from './address.js';
import { CHANNEL_OPTIONS } from './channel-options.js';

export interface ListenOptions {
  /** HOST:PORT. */
  readonly at: string;
  /** Of the certificates that there are. Asked for only where they are needed; throws SweepError AUTH_INVALID. */
  readonly tls: () => ServerCredentials;
  /** On this machine too. */
  readonly alwaysTls?: boolean;
  /** HOST:PORT of files; `null`: they do not travel. Default: the port after. */
  readonly storeAt?: string | null;
  /** HOST:PORT where its health, and nothing else, is told in the clear: probes of a cluster's nodes know no TLS. */
  readonly healthAt?: string;
}

export interface ServiceMakers {
  readonly store: (whom: Whom) => StoreServiceServer;
  /** `storePort`: 0: there is none. */
  readonly services: (whom: Whom, storePort: number) => Services;
}

export type Whom = 'this machine' | 'others';

export interface Services {
  readonly workers: WorkerServiceServer;
  readonly clients: ClientServiceServer;
  readonly health: HealthServer;
}

export interface RunningServer {
  /** HOST:PORT for processes of this machine, without TLS. */
  readonly address: string;
  /** HOST:PORT for other machines; `null`: there is none. */
  readonly publicAddress: string | null;
  /** HOST:PORT of files, for those whom the addresses above are for; `null`: they do not travel. */
  readonly storeAddress: string | null;
  readonly publicStoreAddress: string | null;
  stop(): void;
}

/**
 * Beyond this machine everything is said by TLS. Beside such an address there is always one on loopback, for the
 * workers and commands of this machine: no certificate names what they call it.
 *
 * @throws SweepError LISTEN_REFUSED, AUTH_INVALID, UNAVAILABLE
 */
export async function listen(
  { at, tls, alwaysTls = false, storeAt = portAfter(at), healthAt }: ListenOptions,
  { store, services }: ServiceMakers,
): Promise<RunningServer> {
  const { host } = splitAddress(at);
  if (!isAddress(at, { leastPort: 0 })) {
    const hint = isLoopback(at) ? `add the port: ${bracketed(at)}:7333, or 0 for any that is free` : PORTS_HINT;
    throw new SweepError('LISTEN_REFUSED', `listening on "${at}" is refused: expected HOST:PORT`, { hint });
  }
  if (healthAt !== undefined && !isAddress(healthAt, { leastPort: 0 })) {
    throw new SweepError('LISTEN_REFUSED', `probes at "${healthAt}" are refused: expected HOST:PORT`, {
      hint: PORTS_HINT,
    });
  }
  const isPublic = alwaysTls || !isLoopback(host);
  if (storeAt !== null) mustFit(storeAt, host);
  const servers: Server[] = [];
  // `tryShutdown` would wait for streams that are made to stay open.
  const stop = () => {
    for (const server of servers) server.forceShutdown();
  };
  const open = (place: string, credentials: ServerCredentials, hint: string, add: (server: Server) => void) => {
    const server = new Server(CHANNEL_OPTIONS);
    servers.push(server);
    add(server);
    return bind(server, place, credentials, hint);
  };
  const openPair = async (
    whom: Whom,
    place: string,
    storePlace: string | null,
    credentials: () => ServerCredentials,
  ) => {
    const [forFiles, forServices] = [credentials(), credentials()];
    // Before that of files: the port that somebody named says more of what is in the way than the one after it.
    await mustBeFree(place, LISTEN_HINT);
    if (storePlace !== null) await mustBeFree(storePlace, STORE_HINT);
    const storeAddress =
      storePlace === null
        ? null
        : await open(storePlace, forFiles, STORE_HINT, (server) => server.addService(StoreServiceService, store(whom)));
    const storePort = storeAddress === null ? 0 : Number(splitAddress(storeAddress).port);
    const { workers, clients, health } = services(whom, storePort);
    const address = await open(place, forServices, LISTEN_HINT, (server) => {
      server.addService(WorkerServiceService, workers);
      server.addService(ClientServiceService, clients);
      server.addService(HealthService, health);
    });
    return { address, storeAddress, health };
  };
  try {
    const far = isPublic ? await openPair('others', at, storeAt, tls) : null;
    const ownStore = isPublic && storeAt !== null ? ANY_LOCAL : storeAt;
    const own = await openPair('this machine', isPublic ? ANY_LOCAL : at, ownStore, ServerCredentials.createInsecure);
    if (healthAt !== undefined) {
      const addHealth = (server: Server) => server.addService(HealthService, own.health);
      await mustBeFree(healthAt, HEALTH_HINT);
      await open(healthAt, ServerCredentials.createInsecure(), HEALTH_HINT, addHealth);
    }
    return {
      address: own.address,
      storeAddress: own.storeAddress,
      publicAddress: far?.address ?? null,
      publicStoreAddress: far?.storeAddress ?? null,
      stop,
    };
  } catch (reason) {
    stop();
    throw reason;
  }
}

const ANY_LOCAL = '127.0.0.1:0';
const PORTS_HINT = 'such as 127.0.0.1:7333; ports go to 65535, and 0 is any that is free';
const LISTEN_HINT = 'another server has it, perhaps a `dss serve`; --listen names another one';
const STORE_HINT = 'it is the port for files: --store-listen names another one, or is off';
const HEALTH_HINT = 'it is the port for probes: --health-listen names another one';
const LAST_PORT = 65_535;

function portAfter(address: string): string {
  const { host, port } = splitAddress(address);
  const next = Number(port) === 0 || Number(port) === LAST_PORT ? 0 : Number(port) + 1;
  return `${bracketed(host)}:${next}`;
}

/** Whoever reaches one port is told of the other: both are for this machine, or both are for others. */
function mustFit(storeAt: string, listenHost: string): void {
  const isLocal = isLoopback(listenHost);
  if (!isAddress(storeAt, { leastPort: 0 })) {
    throw new SweepError('LISTEN_REFUSED', `a store at "${storeAt}" is refused: expected HOST:PORT or off`, {
      hint: PORTS_HINT,
    });
  }
  if (isLoopback(splitAddress(storeAt).host) === isLocal) return;
  const expected = isLocal ? '127.0.0.1' : 'one that other machines reach';
  throw new SweepError('LISTEN_REFUSED', `a store at "${storeAt}" is refused: expected HOST:PORT or off`, {
    hint: `its host must be ${expected}, since that of --listen is ${listenHost}`,
  });
}

/** Asked before gRPC is: of a port that is taken that writes a line of its own on stderr. */
function mustBeFree(at: string, hint: string): Promise<void> {
  const { host, port } = splitAddress(at);
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.on('error', (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'EADDRINUSE' ? `port ${port} is taken` : cause.message;
      reject(new SweepError('UNAVAILABLE', `cannot listen on ${at}: ${what}`, { hint, cause }));
    });
    probe.listen(Number(port), host, () => probe.close(() => resolve()));
  });
}

function bind(server: Server, at: string, credentials: ServerCredentials, hint: string): Promise<string> {
  const { host } = splitAddress(at);
  return new Promise((resolve, reject) => {
    server.bindAsync(at, credentials, (error, port) => {
      if (error === null) resolve(`${bracketed(host)}:${port}`);
      else reject(new SweepError('UNAVAILABLE', `cannot listen on ${at}: ${error.message}`, { hint, cause: error }));
    });
  });
}
