/** What `dss tracking` does: passes over a sweep, to one tracker. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { SweepError } from '../../core/errors.js';
import { counted } from '../../reports/format.js';
import { follow } from '../../tracking/follow.js';
import { type Sent, sendSweep } from '../../tracking/send-sweep.js';
import type { Tracker } from '../../tracking/tracker.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';
import { findPython, pythonPath } from '../python.js';
import { withSweep } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';
import { aborted, StopSignals } from '../stop-signals.js';

export type TrackerChoice =
  | { readonly kind: 'mlflow' }
  | { readonly kind: 'tensorboard' | 'wandb'; readonly dir: string };

export interface TrackFlags extends WhereFlags {
  readonly sweep: string;
  readonly to: TrackerChoice;
  readonly follow: boolean;
  /** Until stdin has ended, whatever the sweep does meanwhile. */
  readonly untilEof: boolean;
  readonly json: boolean;
}

export async function trackSweep({ sweep, to, json, untilEof, ...flags }: TrackFlags): Promise<number> {
  const { follow: goesOn, ...where } = flags;
  using signals = new StopSignals();
  const stop = new AbortController();
  void aborted(signals.drain).then(() => stop.abort());
  if (untilEof) process.stdin.on('end', () => stop.abort()).resume();
  // Opened by the first pass that can: a server may be away, and another dss may be sending still.
  let tracker: Tracker | null = null;
  const pass = () =>
    withSweep(where, sweep, async (reader): Promise<Sent> => {
      tracker ??= await openTracker(to, sweep, resolveHome(where.home));
      return sendSweep({ trials: () => reader.trials(sweep), measured: () => reader.measured(sweep) }, tracker, {
        now: Date.now,
        signal: signals.stop,
      });
    });
  try {
    const options = { pass, stop: stop.signal, untilStopped: untilEof, say: note, nowMs: () => performance.now() };
    const sent = goesOn || untilEof ? await follow(options) : await pass();
    tell(sent, tracker, json);
    return signals.status ?? 0;
  } finally {
    await (tracker as Tracker | null)?.close();
  }
}

function tell({ trials, settled }: Sent, tracker: Tracker | null, json: boolean): void {
  const found = tracker?.found() ?? '';
  if (json) printJson({ trials, settled, found });
  else print(`${settled} of ${counted(trials, 'trial')} in ${found}`);
}

async function openTracker(to: TrackerChoice, sweep: string, home: string): Promise<Tracker> {
  if (to.kind === 'mlflow') return openMlflow(sweep, home);
  const { openPythonTracker } = await import('../../tracking/python-tracker.js');
  return openPythonTracker({
    kind: to.kind,
    directory: resolve(to.dir),
    sweep,
    python: findPython(),
    pythonPath: pythonPath(),
  });
}

async function openMlflow(sweep: string, home: string): Promise<Tracker> {
  const text = process.env['MLFLOW_TRACKING_URI'];
  if (!text) {
    throw new SweepError('USAGE', 'MLFLOW_TRACKING_URI is not set', { hint: 'it names a server: http://HOST:PORT' });
  }
  const [{ mlflowAddress }, { mlflowRest }, { openSentStore }, { mlflowTracker }] = await Promise.all([
    import('../../tracking/mlflow/address.js'),
    import('../../tracking/mlflow/rest.js'),
    import('../../tracking/mlflow/sent-store.js'),
    import('../../tracking/mlflow/mlflow-tracker.js'),
  ]);
  const address = mlflowAddress(text, process.env);
  const experiment = process.env['MLFLOW_EXPERIMENT_NAME'] || sweep;
  const place = createHash('sha256').update(`${address.url}\n${experiment}`).digest('hex').slice(0, 16);
  const store = openSentStore(
    join(home, 'tracking', 'mlflow', place, `${sweep}.db`),
    `${sweep} to MLflow at ${address.url}`,
  );
  const rest = mlflowRest(address);
  try {
    return await mlflowTracker({ rest, store, url: address.url, sweep, experiment, now: Date.now });
  } catch (reason) {
    rest.close();
    store.close();
    throw reason;
  }
}
