/** What `dss serve` does: holds the state folder until a signal, or the disk, ends it. */
import { join } from 'node:path';
import { SweepError } from '../../core/errors.js';
import { keptJoinToken } from '../auth/join-token.js';
import { resolveHome } from '../environment.js';
import { createLogger, type LogLevel } from '../logging.js';
import { note, print } from '../output.js';
import { ownLaunchers, parsePlace } from '../places/own-launchers.js';
import { parseGrace, parseSlots, parseWorkers } from '../run/worker-flags.js';
import { aborted, StopSignals } from '../stop-signals.js';
import { startOwnPlane } from './own-plane.js';
import { RotatingFile } from './rotating-file.js';

export interface ServeFlags {
  readonly listen: string;
  readonly storeListen?: string | undefined;
  readonly healthListen?: string | undefined;
  readonly webListen: string;
  readonly webHost: string;
  readonly open: boolean;
  readonly mtls: boolean;
  /** Places, with commas. */
  readonly on: string;
  readonly advertise?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  readonly workers: string;
  readonly devicesPerWorker: number;
  readonly slots: number;
  readonly grace: number;
  readonly lease: number;
  readonly home: string | undefined;
  readonly logLevel: LogLevel;
}

/** Two of them may be lost on the way. */
const RENEWALS_PER_LEASE = 3;

export async function serve({
  listen,
  storeListen,
  healthListen,
  webListen,
  webHost,
  open,
  mtls,
  on,
  advertise,
  context,
  namespace,
  workers: workersFlag,
  devicesPerWorker: devices,
  slots: slotsFlag,
  grace,
  lease,
  home: homeFlag,
  logLevel,
}: ServeFlags): Promise<number> {
  using signals = new StopSignals();
  const home = resolveHome(homeFlag);
  const workers = workersFlag === '0' ? 0 : parseWorkers(workersFlag);
  const slots = parseSlots(slotsFlag);
  const graceMs = parseGrace(grace);
  const leaseMs = parseLease(lease);
  mustBeDevices(devices);
  const logFile = new RotatingFile(join(home, 'logs', 'control-plane.log'));
  const logger = createLogger(logLevel, undefined, logFile);
  const workersFile = new RotatingFile(join(home, 'logs', 'workers.log'));
  const workerLog = createLogger('info', (line) => workersFile.write(`${line}\n`));
  let onFatal: (error: SweepError) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    onFatal = reject;
  });
  failed.catch(() => {}); // it may come while the control plane starts, and is heard below
  // With --workers alone they are here; without either, workers join by hand.
  const places = new Set([
    ...(workers === 0 ? [] : ['local' as const]),
    ...on.split(',').filter(Boolean).map(parsePlace),
  ]);
  const kubernetes = { context, namespace };
  const launchers = await ownLaunchers({ places: [...places], logger, keepsWorkers: true, kubernetes, devices, slots });
  const plane = await startOwnPlane({
    home,
    logger,
    workerLog,
    workers,
    serves: true,
    listenOn: listen,
    ...(storeListen === undefined ? {} : { storeListenOn: storeListen === 'off' ? null : storeListen }),
    ...(healthListen === undefined ? {} : { healthListenOn: healthListen }),
    mutualTls: mtls,
    leaseMs,
    renewEveryMs: Math.round(leaseMs / RENEWALS_PER_LEASE),
    joinToken: keptJoinToken(home),
    onFatal: (error) => onFatal(error),
    launchers,
    ...(advertise === undefined ? {} : { advertise }),
  });
  void plane.stopAsked.then(() => signals.ask());
  let page: { close(): Promise<void> } | null = null;
  try {
    print(`serving ${home} at ${plane.publicAddress ?? plane.address}`);
    note(`sweeps:  dss sweep FILE --home ${home}`);
    note(`workers: dss worker --home ${home}`);
    const store = plane.publicStoreAddress ?? plane.storeAddress;
    note(store === null ? 'files:   none travel; workers need them at the same paths' : `files:   at ${store}`);
    if (plane.publicAddress !== null) {
      note('workers elsewhere: dss worker --server HOST:PORT, with DSS_TLS_CA and a token of `dss auth pool create`');
    }
    // Not before it serves: its libraries take as long to load as half of the rest.
    const { startPage } = await import('./own-page.js');
    page = await startPage(plane, { home, logger }, { webListen, webHost, open });
    await Promise.race([aborted(signals.drain), failed]);
    const until = new Date(Date.now() + graceMs).toLocaleTimeString('en-GB');
    note(
      `stopping: running trials have until ${until} (${graceMs / 1000} s) to write down where they are; again to stop at once`,
    );
    await Promise.race([plane.drain(graceMs), aborted(signals.stop)]);
    return signals.status ?? 0;
  } catch (reason) {
    throw SweepError.from(reason);
  } finally {
    await page?.close();
    await plane.stop();
    note('stopped; the next `dss serve` goes on with every sweep that is not finished');
  }
}

/** @throws SweepError USAGE */
function mustBeDevices(devices: number): void {
  if (Number.isInteger(devices) && devices >= 1 && devices <= 64) return;
  throw new SweepError('USAGE', `--devices-per-worker: expected a whole number from 1 to 64, got ${devices}`, {
    hint: 'as many as the widest trial has in `devices`',
  });
}

/** @throws SweepError USAGE */
function parseLease(seconds: number): number {
  if (seconds >= 3 && seconds <= 3_600) return Math.round(seconds * 1000);
  throw new SweepError('USAGE', `--lease: expected seconds from 3 to 3600, got ${seconds}`, {
    hint: 'shorter ones run out on a busy machine; the longer, the later a trial of a lost machine goes to another',
  });
}
