/** A sweep under a control plane within this process, until it ends or a signal stops it. */
import { connectClient } from '../../control/client.js';
import type { Plan } from '../../plan/plan-sweep.js';
import { createLogger, type LogLevel } from '../logging.js';
import { note } from '../output.js';
import { ownLaunchers } from '../places/own-launchers.js';
import type { Standing } from '../plan/plan-text.js';
import { startOwnPlane } from '../serve/own-plane.js';
import { aborted, type StopSignals } from '../stop-signals.js';
import { createProgress, isLive } from '../watch/progress.js';
import { showEvents } from '../watch/show-events.js';
import { SweepProgress } from '../watch/sweep-progress.js';

export interface EmbeddedFlags {
  readonly home: string;
  readonly workers: 'auto' | number;
  /** Trials that share a device. */
  readonly slots: number;
  readonly graceMs: number;
  readonly retryFailed: boolean;
  readonly rerun: boolean;
  readonly extend: boolean;
  readonly logLevel: LogLevel;
  readonly json: boolean;
  /** A page shows it while it runs. */
  readonly web?: boolean | undefined;
  readonly listen?: string | undefined;
  readonly advertise?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  readonly open?: boolean | undefined;
}

/** Gives the exit status when a signal stopped it, `null` when the sweep has ended. */
export async function runEmbedded(
  plan: Plan,
  { toRun, states }: Standing,
  {
    home,
    workers,
    slots,
    graceMs,
    logLevel,
    json,
    web = false,
    open = false,
    listen,
    advertise,
    context,
    namespace,
    ...flags
  }: EmbeddedFlags,
  signals: StopSignals,
): Promise<number | null> {
  const progress = new SweepProgress(plan.trials, (trialId) => states.get(trialId) ?? 'queued');
  const display = await createProgress(progress, isLive(json) && toRun > 0);
  const logger = createLogger(logLevel, (line) => display.say(line));
  const launchers =
    toRun === 0
      ? []
      : await ownLaunchers({
          places: [plan.options.place.on],
          logger,
          keepsWorkers: false,
          kubernetes: { context, namespace },
          trials: plan.trials.length,
          devices: plan.trials.reduce((most, { run }) => Math.max(most, run.devices), 1),
          slots,
        });
  const plane = await startOwnPlane({
    home,
    logger,
    workers: toRun === 0 ? 0 : workers,
    launchers,
    // The command ends with it in words.
    onFatal: () => {
      logger.level = 'silent';
    },
    ...(listen === undefined ? {} : { listenOn: listen }),
    ...(advertise === undefined ? {} : { advertise }),
  });
  void plane.stopAsked.then(() => signals.ask());
  const client = connectClient({ address: plane.address, token: plane.clientToken });
  const leave = new AbortController();
  let page: { close(): Promise<void> } | null = null;
  try {
    await client.submit(plan.sweep, plan.trials, { ...flags, options: plan.options });
    if (web || open || isObserved(process.env)) {
      const { startPage } = await import('../serve/own-page.js');
      const flagsOfPage = { webListen: web || open ? 'auto' : 'off', webHost: '', open };
      page = await startPage(plane, { home, logger, path: `sweeps/${plan.sweep}` }, flagsOfPage);
    }
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
    await page?.close();
    await plane.stop();
    if (signals.status !== null) note('stopped; the same command goes on where this one ended');
  }
}

/** Somebody is told of what happens without looking at a page. */
function isObserved(env: NodeJS.ProcessEnv): boolean {
  const names = ['DSS_WEBHOOK_FILE', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  return names.some((name) => env[name] !== undefined);
}
