/** A sweep handed to a control plane that serves, and watched for as long as somebody looks. */
import type { Plan } from '../plan/plan-sweep.js';
import { connectServer } from './connect-server.js';
import type { Server } from './find-server.js';
import { note } from './output.js';
import type { Standing } from './plan-text.js';
import { createProgress, isLive } from './progress.js';
import { showEvents } from './show-events.js';
import { aborted, type StopSignals } from './stop-signals.js';
import { SweepProgress } from './sweep-progress.js';
import { sendFilesOf } from './upload-files.js';

export interface AttachFlags {
  readonly host: Server;
  /** By --server or its variable; else it is the one that serves the state folder. */
  readonly isNamed: boolean;
  readonly retryFailed: boolean;
  readonly rerun: boolean;
  readonly extend: boolean;
  readonly detach?: boolean | undefined;
  readonly json: boolean;
}

/** Gives the exit status of whoever left before the sweep did, `null` when it has ended. */
export async function runAttached(
  plan: Plan,
  { toRun, states }: Standing,
  { host, isNamed, detach, json, ...flags }: AttachFlags,
  signals: StopSignals,
): Promise<number | null> {
  const { client, info } = await connectServer(host);
  const there = isNamed ? ` --server ${host.address}` : '';
  const leave = new AbortController();
  try {
    const sent = await signals.orStatus(async () => {
      const trials = plan.trials.filter(({ trialId }) => !states.has(trialId));
      await sendFilesOf(trials, { ...host, info }, note, signals.drain);
      return null;
    });
    if (sent !== null) return sent;
    await client.submit(plan.sweep, plan.trials, { ...flags, options: plan.options });
    note(
      `handed to the control plane ${isNamed ? `of ${info.host}` : 'that serves this state folder'}, ${host.address}`,
    );
    if (detach === true) {
      note(
        `it runs there: \`dss watch ${plan.sweep}${there}\` watches it, \`dss cancel ${plan.sweep}${there}\` ends it`,
      );
      return 0;
    }
    const progress = new SweepProgress(plan.trials, (trialId) => states.get(trialId) ?? 'queued');
    const display = await createProgress(progress, isLive(json) && toRun > 0);
    try {
      const watching = showEvents(client, plan.sweep, display, leave.signal);
      watching.catch(() => {}); // who has left does not hear how it ends
      await Promise.race([watching, aborted(signals.drain)]);
    } finally {
      display.end();
    }
    if (signals.status === null) return null;
    note(`left; the sweep goes on: the same command watches it again, \`dss cancel ${plan.sweep}${there}\` ends it`);
    return signals.status;
  } finally {
    leave.abort();
    client.close();
  }
}
