/** Starts a whole control plane within this process. */
import { readFileSync, statfsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { authPaths, hasCertificates } from '../auth/auth-folder.js';
import { TokenStore } from '../auth/token-store.js';
import type { Failure } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { Journal } from '../journal/journal.js';
import type { Launcher, Reachable } from '../launchers/launcher.js';
import type { EventListener, PlaneView } from '../observe/plane-view.js';
import { ensureHomeId } from '../store/home-id.js';
import { bracketed, splitAddress } from './address.js';
import { type Clock, type Random, systemClock, systemRandom } from './clock.js';
import { ControlLoop } from './control-loop.js';
import { armFailpoints, failpoint } from './failpoints.js';
import { Health } from './health.js';
import { Identities } from './identities.js';
import { Launching } from './launching.js';
import { LogStore } from './log-store.js';
import { planeServices } from './plane-services.js';
import { PlaneStore } from './plane-store.js';
import { createPlaneView } from './plane-view.js';
import { listen, type Whom } from './server.js';
import { ServerCertificates } from './server-certificates.js';
import { acquireStateLock } from './state-lock.js';
import { newToken } from './tokens.js';
import { Undo } from './undo.js';

export interface ControlPlaneOptions {
  /** The state folder. */
  readonly home: string;
  readonly logger: Logger;
  /** Gets what attempts print, with the trial, the attempt and the worker; default: only the trials' own logs do. */
  readonly workerLog?: Logger;
  /** Of dss; empty: nobody asks. Clients of another version are told which one this is, and leave. */
  readonly version?: string;
  /** Called with the state folder once it is ours alone. */
  readonly openJournal: (home: string) => Journal;
  /** One for each place; for those without one, workers are started by somebody else. */
  readonly launchers?: readonly Launcher[];
  readonly workers: 'auto' | number;
  /**
   * It stands by itself: goes on with every sweep of the journal that is active and not finished, not only with what is
   * submitted, and lets attempts live on whose workers outlived the control plane before it.
   */
  readonly serves?: boolean;
  /** For workers that no launcher starts; default: another one in each life. */
  readonly joinToken?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** A lease that is not renewed for so long is lost. */
  readonly leaseMs?: number;
  readonly renewEveryMs?: number;
  /** HOST:PORT. Anything but loopback needs the certificates of `dss auth init`. */
  readonly listenOn?: string;
  /** HOST:PORT of files; `null`: they do not travel. Default: the port after that of `listenOn`. */
  readonly storeListenOn?: string | null;
  /** HOST:PORT where its health alone is told, without TLS. Default: only beside the services. */
  readonly healthListenOn?: string;
  /** Of the disk, what the store leaves free. */
  readonly spareBytes?: number;
  /** A file that is sent is given up when no byte of it comes for so long. */
  readonly storeIdleMs?: number;
  /** HOST:PORT by which other machines reach `listenOn`; default: that itself, by this machine's name where it is any. */
  readonly advertise?: string;
  /** TLS on loopback too. */
  readonly alwaysTls?: boolean;
  /** A worker from beyond needs a client certificate. */
  readonly mutualTls?: boolean;
  /** Nothing goes on from here: the journal cannot be written, or no worker lives. Watchers are told too. */
  readonly onFatal?: (error: SweepError) => void;
}

export interface ControlPlane {
  /** HOST:PORT, for processes of this machine. */
  readonly address: string;
  /** HOST:PORT, for other machines, by TLS; `null`: it is on this machine only. */
  readonly publicAddress: string | null;
  /** HOST:PORT of files, for processes of this machine; `null`: they do not travel. */
  readonly storeAddress: string | null;
  /** HOST:PORT of files, for other machines. */
  readonly publicStoreAddress: string | null;
  readonly clientToken: string;
  /** For workers that no launcher starts. */
  readonly joinToken: string;
  readonly view: PlaneView;
  /** Resolves when a client has asked it to end: it is for whoever started it to drain and stop it. */
  readonly stopAsked: Promise<void>;
  /** Lends nothing any more; resolves when nothing runs, at the latest after the grace. */
  drain(graceMs: number): Promise<void>;
  /** Ends the workers and everything else at once. What ran is queued again. */
  stop(): Promise<void>;
}

/** Throws SweepError STATE_HELD, STATE_INVALID or LISTEN_REFUSED. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { home, logger, launchers = [], clock = systemClock, random = systemRandom } = options;
  const { leaseMs = 30_000, renewEveryMs = 10_000, serves = false } = options;
  const { listenOn = '127.0.0.1:0', alwaysTls = false, mutualTls = false } = options;
  armFailpoints(process.env);
  const undo = new Undo();
  try {
    const lock = acquireStateLock(home);
    undo.push(() => lock.release());
    const journal = options.openJournal(home);
    undo.push(() => journal.close());
    const logs = new LogStore(home);
    const onFatal = (error: SweepError) => {
      // First: whoever says it in words may want no events of it.
      options.onFatal?.(error);
      logger.error({ home, freeBytes: freeBytes(home) }, 'nothing is lent any more');
    };
    const homeId = ensureHomeId(home);
    const store = new PlaneStore({
      home,
      journal,
      logger,
      spareBytes: options.spareBytes,
      idleMs: options.storeIdleMs,
    });
    const granted = new TokenStore(home);
    const launching = new Launching({ launchers, granted, clock, onFail: (error) => loop.fail(error) });
    const onDemand = () => launching.tellSoon();
    const parts = {
      home,
      journal,
      logs,
      onDemand,
      files: store.files,
      clock,
      random,
      logger,
      ...(options.workerLog === undefined ? {} : { workerLog: options.workerLog }),
      leaseMs,
      renewEveryMs,
      onFatal,
    };
    const listeners = new Set<EventListener>();
    const onEvents: EventListener = (events) => {
      for (const listener of listeners) listener(events);
    };
    const loop = new ControlLoop({ ...parts, onEvents });
    let askToStop = () => {};
    const stopAsked = new Promise<void>((resolve) => {
      askToStop = resolve;
    });
    const health = new Health(() => loop.isLending);
    const drain = (graceMs: number): Promise<void> => {
      launching.drain();
      return loop.drain(graceMs);
    };
    await loop.takeOver({ serves, workersSurvive: serves || launching.workersSurvive });
    const clientToken = newToken(random);
    const joinToken = options.joinToken ?? newToken(random);
    const identities = new Identities({
      clientToken,
      joinToken,
      look: (token) => granted.look(token),
      nowUnixMs: () => clock.unixMs(),
    });
    const holds = (workerId: string, pool: string, trialId: string) => loop.holds(workerId, pool, trialId);
    let certificates: ServerCertificates | null = null;
    const tls = () => {
      if (!hasCertificates(home)) throw needsCertificates(listenOn);
      certificates ??= new ServerCertificates(home, logger, () => clock.unixMs());
      return certificates.credentials();
    };
    undo.push(() => certificates?.close());
    const isStrict = (whom: Whom) => mutualTls && whom === 'others';
    const { storeListenOn, healthListenOn } = options;
    const place = {
      at: listenOn,
      tls,
      alwaysTls,
      ...(storeListenOn === undefined ? {} : { storeAt: storeListenOn }),
      ...(healthListenOn === undefined ? {} : { healthAt: healthListenOn }),
    };
    const server = await listen(place, {
      store: (whom) => store.serviceFor({ identities, needsCertificate: isStrict(whom), holds }),
      services: planeServices({
        loop,
        journal,
        logs,
        clock,
        logger,
        identities,
        health,
        home: resolve(home),
        homeId,
        version: options.version ?? '',
        isStrict,
        onDemand: () => launching.tell(),
        checkPlace: (at) => launching.check(at),
        notices: () => [...launching.notices, ...loop.notices],
        onStop: askToStop,
      }),
    });
    undo.push(() => server.stop());
    undo.push(() => health.close());
    const { address, publicAddress, storeAddress, publicStoreAddress } = server;
    undo.push(() => launching.close());
    const surroundings = {
      address,
      reachable: reachableAt(publicAddress, publicStoreAddress, options),
      joinToken,
      home,
      workers: options.workers,
      onExit: (workerId: string, failure: Failure) => loop.workerExited(workerId, failure),
      isConnected: (workerId: string) => loop.isConnected(workerId),
      hasJoined: (workerId: string) => loop.hasJoined(workerId),
      isBusy: (workerId: string) => loop.isBusy(workerId),
      onGiveUp: (error: SweepError) => loop.fail(error),
    };
    launching.open(surroundings, () => loop.demands());
    if (loop.demands().length > 0) launching.tell();
    undo.push(() => loop.stop()); // before the workers end, so that their end is nobody's failure
    loop.begin();
    failpoint('before-lock-announce');
    lock.announce({ address, clientToken, serves }, clock.unixMs());
    logger.info({ address, publicAddress, storeAddress, publicStoreAddress, home }, 'control plane started');
    const plane: ControlPlane = {
      address,
      publicAddress,
      storeAddress,
      publicStoreAddress,
      clientToken,
      joinToken,
      view: createPlaneView({ ...parts, loop, identities, listeners, onDemand: () => launching.tell() }),
      stopAsked,
      drain,
      stop: () => undo.run(),
    };
    return plane;
  } catch (reason) {
    // What kept it from starting matters more than what went wrong in taking that back.
    await undo
      .run()
      .catch((error: unknown) => logger.error({ err: error }, 'not all of a failed start was taken back'));
    throw reason;
  }
}

/** By names that other machines can use. */
function reachableAt(
  address: string | null,
  storeAddress: string | null,
  { home, advertise }: Pick<ControlPlaneOptions, 'home' | 'advertise'>,
): Reachable | null {
  if (address === null) return null;
  const named = splitAddress(advertise ?? address);
  const host = isAnyHost(named.host) ? hostname() : named.host;
  const at = (port: string) => `${bracketed(host)}:${port}`;
  return {
    address: at(named.port),
    storeAddress: storeAddress === null ? null : at(splitAddress(storeAddress).port),
    ca: readFileSync(authPaths(home).ca.certificate, 'utf8'),
  };
}

function isAnyHost(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function needsCertificates(address: string): SweepError {
  return new SweepError('LISTEN_REFUSED', `listening on "${address}" is refused: only 127.0.0.1 is safe without TLS`, {
    hint: '`dss auth init --host NAME` makes certificates for the names that other machines call this one',
  });
}

/** `null`: the folder is gone, or its disk. */
function freeBytes(home: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(home);
    return bavail * bsize;
  } catch {
    return null;
  }
}
