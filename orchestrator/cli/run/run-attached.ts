/** A sweep handed to a control plane that serves, and watched for as long as somebody looks. */
import type { Plan } from '../../plan/plan-sweep.js';
import { note } from '../output.js';
import type { Standing } from '../plan/plan-text.js';
import type { Server } from '../server/find-server.js';
import { ReachedPlane } from '../server/reached-plane.js';
import { sendFilesOf } from '../server/upload-files.js';
import { aborted, type StopSignals } from '../stop-signals.js';
import { needsJoining } from '../watch/no-worker.js';
import { createProgress, isLive } from '../watch/progress.js';
import { SweepProgress } from '../watch/sweep-progress.js';
import { watchThrough } from '../watch/watch-through.js';

export interface AttachFlags {
  readonly host: Server;
  /** By --server or its variable; else it is the one that serves the state folder. */
  readonly isNamed: boolean;
  /** Where it is after a restart; `null`: it does not run. */
  readonly findAgain: () => Promise<Server | null>;
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
  { host, isNamed, findAgain, detach, json, ...flags }: AttachFlags,
  signals: StopSignals,
): Promise<number | null> {
  using plane = await ReachedPlane.reach(host, findAgain);
  const { client, info } = plane;
  const there = isNamed ? ` --server ${host.name ?? host.address}` : '';
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
      `handed to the control plane ${isNamed ? `of ${info.host}` : 'that serves this state folder'}, ${host.name ?? host.address}`,
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
      const trialIds = plan.trials.map(({ trialId }) => trialId);
      const isJoined = toRun > 0 && needsJoining({ state: 'active', options: plan.options });
      const watching = watchThrough({ plane, sweep: plan.sweep, isJoined, trialIds, display, signal: leave.signal });
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
  }
}
