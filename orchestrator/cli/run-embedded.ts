/** A sweep under a control plane within this process, until it ends or a signal stops it. */
import { connectClient } from '../control/client.js';
import { createLocalLauncher } from '../launchers/local.js';
import type { Plan } from '../plan/plan-sweep.js';
import { createLogger, type LogLevel } from './logging.js';
import { note } from './output.js';
import { startOwnPlane } from './own-plane.js';
import type { Standing } from './plan-text.js';
import { createProgress, isLive } from './progress.js';
import { findPython, pythonPath } from './python.js';
import { showEvents } from './show-events.js';
import { aborted, type StopSignals } from './stop-signals.js';
import { SweepProgress } from './sweep-progress.js';

export interface EmbeddedFlags {
  readonly home: string;
  readonly workers: 'auto' | number;
  readonly graceMs: number;
  readonly retryFailed: boolean;
  readonly rerun: boolean;
  readonly extend: boolean;
  readonly logLevel: LogLevel;
  readonly json: boolean;
}

/** Gives the exit status when a signal stopped it, `null` when the sweep has ended. */
export async function runEmbedded(
  plan: Plan,
  { toRun, states }: Standing,
  { home, workers, graceMs, logLevel, json, ...flags }: EmbeddedFlags,
  signals: StopSignals,
): Promise<number | null> {
  const progress = new SweepProgress(plan.trials, (trialId) => states.get(trialId) ?? 'queued');
  const display = await createProgress(progress, isLive(json) && toRun > 0);
  const logger = createLogger(logLevel, (line) => display.say(line));
  const plane = await startOwnPlane({
    home,
    logger,
    workers: toRun === 0 ? 0 : workers,
    ...(toRun === 0
      ? {}
      : {
          launcher: createLocalLauncher({
            python: findPython(),
            pythonPath: pythonPath(),
            logger,
            trials: plan.trials.length,
            devices: plan.trials.reduce((most, { run }) => Math.max(most, run.devices), 1),
          }),
        }),
  });
  const client = connectClient({ address: plane.address, token: plane.clientToken });
  const leave = new AbortController();
  try {
    await client.submit(plan.sweep, plan.trials, { ...flags, options: plan.options });
    const watching = showEvents(client, plan.sweep, display, leave.signal);
    watching.catch(() => {}); // while draining, how it ends does not matter
    await Promise.race([watching, aborted(signals.drain)]);
    if (signals.status === null) return null;
    const until = new Date(Date.now() + graceMs).toLocaleTimeString('en-GB');
    const limit = `until ${until} (${graceMs / 1000} s)`;
    display.say(`stopping: running trials have ${limit} to write down where they are; again to stop at once`);
    await Promise.race([plane.drain(graceMs), aborted(signals.stop)]);
    return signals.status;
  } finally {
    leave.abort();
    display.end();
    client.close();
    await plane.stop();
    if (signals.status !== null) note('stopped; the same command goes on where this one ended');
  }
}
