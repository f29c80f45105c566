/** What `dss serve` does: holds the state folder until a signal, or the disk, ends it. */
import { SweepError } from '../core/errors.js';
import { createLocalLauncher } from '../launchers/local.js';
import { resolveHome } from './environment.js';
import { keptJoinToken } from './join-token.js';
import { createLogger, type LogLevel } from './logging.js';
import { note, print } from './output.js';
import { startOwnPlane } from './own-plane.js';
import { findPython, pythonPath } from './python.js';
import { parseGrace, parseWorkers } from './run-plan.js';
import { aborted, StopSignals } from './stop-signals.js';

export interface ServeFlags {
  readonly listen: string;
  readonly storeListen?: string | undefined;
  readonly mtls: boolean;
  readonly workers: string;
  readonly devicesPerWorker: number;
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
  mtls,
  workers: workersFlag,
  devicesPerWorker: devices,
  grace,
  lease,
  home: homeFlag,
  logLevel,
}: ServeFlags): Promise<number> {
  using signals = new StopSignals();
  const home = resolveHome(homeFlag);
  const workers = workersFlag === '0' ? 0 : parseWorkers(workersFlag);
  const graceMs = parseGrace(grace);
  const leaseMs = parseLease(lease);
  mustBeDevices(devices);
  const logger = createLogger(logLevel);
  let onFatal: (error: SweepError) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    onFatal = reject;
  });
  const plane = await startOwnPlane({
    home,
    logger,
    workers,
    serves: true,
    listenOn: listen,
    ...(storeListen === undefined ? {} : { storeListenOn: storeListen === 'off' ? null : storeListen }),
    mutualTls: mtls,
    leaseMs,
    renewEveryMs: Math.round(leaseMs / RENEWALS_PER_LEASE),
    joinToken: keptJoinToken(home),
    onFatal: (error) => onFatal(error),
    ...(workers === 0
      ? {}
      : { launcher: createLocalLauncher({ python: findPython(), pythonPath: pythonPath(), logger, devices }) }),
  });
  try {
    print(`serving ${home} at ${plane.publicAddress ?? plane.address}`);
    note(`sweeps:  dss sweep FILE --home ${home}`);
    note(`workers: dss worker --home ${home}`);
    const store = plane.publicStoreAddress ?? plane.storeAddress;
    note(store === null ? 'files:   none travel; workers need them at the same paths' : `files:   at ${store}`);
    if (plane.publicAddress !== null) {
      note('workers elsewhere: dss worker --server HOST:PORT, with DSS_TLS_CA and a token of `dss auth pool create`');
    }
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
