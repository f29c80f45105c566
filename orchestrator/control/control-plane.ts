/** Starts a whole control plane within this process. */
import { statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { hasCertificates } from '../auth/auth-folder.js';
import { TokenStore } from '../auth/token-store.js';
import { SweepError } from '../core/errors.js';
import type { Journal } from '../journal/journal.js';
import type { Launcher } from '../launchers/launcher.js';
import { ensureHomeId } from '../store/home-id.js';
import { createClientService } from './client-service.js';
import { type Clock, type Random, systemClock, systemRandom } from './clock.js';
import { ControlLoop } from './control-loop.js';
import { armFailpoints, failpoint } from './failpoints.js';
import { Identities } from './identities.js';
import { LogStore } from './log-store.js';
import { PlaneStore } from './plane-store.js';
import { listen, type Whom } from './server.js';
import { ServerCertificates } from './server-certificates.js';
import { acquireStateLock } from './state-lock.js';
import { statusOf } from './status.js';
import { newToken } from './tokens.js';
import { WorkerSession, type WorkerStream } from './worker-session.js';

export interface ControlPlaneOptions {
  /** The state folder. */
  readonly home: string;
  readonly logger: Logger;
  /** Of dss; empty: nobody asks. Clients of another version are told which one this is, and leave. */
  readonly version?: string;
  /** Called with the state folder once it is ours alone. */
  readonly openJournal: (home: string) => Journal;
  /** Without one, workers are started by somebody else. */
  readonly launcher?: Launcher;
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
  /** Of the disk, what the store leaves free. */
  readonly spareBytes?: number;
  /** A file that is sent is given up when no byte of it comes for so long. */
  readonly storeIdleMs?: number;
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
  /** Lends nothing any more; resolves when nothing runs, at the latest after the grace. */
  drain(graceMs: number): Promise<void>;
  /** Ends the workers and everything else at once. What ran is queued again. */
  stop(): Promise<void>;
}

/** For what runs to write a checkpoint. */
const STOP_GRACE_MS = 20_000;

/** Throws SweepError STATE_HELD, STATE_INVALID or LISTEN_REFUSED. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { home, logger, launcher, clock = systemClock, random = systemRandom } = options;
  const { leaseMs = 30_000, renewEveryMs = 10_000, serves = false } = options;
  const { listenOn = '127.0.0.1:0', alwaysTls = false, mutualTls = false } = options;
  armFailpoints(process.env);
  const undo: (() => void | Promise<void>)[] = [];
  let unwinding: Promise<void> | null = null;
  const unwind = (): Promise<void> => {
    unwinding ??= (async () => {
      for (const step of undo.reverse()) await step();
    })();
    return unwinding;
  };
  try {
    const lock = acquireStateLock(home);
    undo.push(() => lock.release());
    const journal = options.openJournal(home);
    undo.push(() => journal.close());
    const logs = new LogStore(home);
    const onFatal = (error: SweepError) => {
      logger.error({ home, freeBytes: freeBytes(home) }, 'nothing is lent any more');
      options.onFatal?.(error);
    };
    const homeId = ensureHomeId(home);
    const store = new PlaneStore({
      home,
      journal,
      logger,
      spareBytes: options.spareBytes,
      idleMs: options.storeIdleMs,
    });
    const parts = { home, journal, logs, files: store.files, clock, random, logger, leaseMs, renewEveryMs, onFatal };
    const loop = new ControlLoop(parts);
    loop.recover(serves || (launcher?.workersSurvive ?? false));
    const clientToken = newToken(random);
    const joinToken = options.joinToken ?? newToken(random);
    const granted = new TokenStore(home);
    const identities = new Identities({
      clientToken,
      joinToken,
      look: (token) => granted.look(token),
      nowUnixMs: () => clock.unixMs(),
    });
    const want = (trials: number): void => {
      if (trials === 0) return;
      launcher?.want(trials).catch((reason: unknown) => loop.fail(SweepError.from(reason)));
    };
    const clientsOf = (storePort: number) =>
      createClientService({
        loop,
        journal,
        logs,
        version: options.version ?? '',
        home: resolve(home),
        homeId,
        storePort,
        logger,
        identities,
        onSubmitted: want,
        onStop: () => void plane.drain(STOP_GRACE_MS).then(() => plane.stop()),
      });
    const workersOf = (needsCertificate: boolean, storePort: number) => ({
      connect: (stream: WorkerStream) => {
        const admit = () => identities.poolOf(stream, needsCertificate);
        try {
          new WorkerSession(stream, {
            loop,
            clock,
            logger,
            admit,
            store: { home: resolve(home), homeId, port: storePort },
          });
        } catch (reason) {
          stream.emit('error', statusOf(reason));
        }
      },
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
    const { storeListenOn } = options;
    const place = { at: listenOn, tls, alwaysTls, ...(storeListenOn === undefined ? {} : { storeAt: storeListenOn }) };
    const server = await listen(place, {
      store: (whom) => store.serviceFor({ identities, needsCertificate: isStrict(whom), holds }),
      services: (whom, storePort) => ({
        workers: workersOf(isStrict(whom), storePort),
        clients: clientsOf(storePort),
      }),
    });
    undo.push(() => server.stop());
    const { address, publicAddress, storeAddress, publicStoreAddress } = server;
    if (launcher !== undefined) {
      undo.push(() => launcher.close());
      launcher.open({
        address,
        joinToken,
        home,
        workers: options.workers,
        onExit: (workerId, failure) => loop.workerExited(workerId, failure),
        onGiveUp: (error) => loop.fail(error),
      });
    }
    if (serves) want(loop.sweeps.takeUp());
    undo.push(() => loop.stop()); // before the workers end, so that their end is nobody's failure
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
      drain: (graceMs) => {
        launcher?.drain();
        return loop.drain(graceMs);
      },
      stop: unwind,
    };
    return plane;
  } catch (reason) {
    await unwind();
    throw reason;
  }
}

function needsCertificates(address: string): SweepError {
  return new SweepError('LISTEN_REFUSED', `listening on "${address}" is refused: only 127.0.0.1 is safe without TLS`, {
    hint: '`dss auth init --host NAME` makes certificates for the names that other machines call this one',
  });
}

function freeBytes(home: string): number {
  const { bavail, bsize } = statfsSync(home);
  return bavail * bsize;
}
