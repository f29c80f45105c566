/** A sweep handed to the control plane that serves its state folder, and watched for as long as somebody looks. */
import { connectClient } from '../control/client.js';
import type { Plan } from '../plan/plan-sweep.js';
import { note } from './output.js';
import type { Standing } from './plan-text.js';
import { createProgress, isLive } from './progress.js';
import { watch } from './run-embedded.js';
import type { RunningPlane } from './running-plane.js';
import { aborted, type StopSignals } from './stop-signals.js';
import { SweepProgress } from './sweep-progress.js';

export interface AttachFlags {
  readonly plane: RunningPlane;
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
  { plane, detach, json, ...flags }: AttachFlags,
  signals: StopSignals,
): Promise<number | null> {
  const client = connectClient({ address: plane.address, token: plane.clientToken });
  const leave = new AbortController();
  try {
    await client.submit(plan.sweep, plan.trials, { ...flags, options: plan.options });
    note(`handed to the control plane that serves this state folder (pid ${plane.pid}, ${plane.address})`);
    if (detach === true) {
      note(`it runs there: the same command without --detach watches it, \`dss cancel ${plan.sweep}\` ends it`);
      return 0;
    }
    const progress = new SweepProgress(plan.trials, (trialId) => states.get(trialId) ?? 'queued');
    const display = await createProgress(progress, isLive(json) && toRun > 0);
    try {
      const watching = watch(client, plan.sweep, display, leave.signal);
      watching.catch(() => {}); // who has left does not hear how it ends
      await Promise.race([watching, aborted(signals.drain)]);
    } finally {
      display.end();
    }
    if (signals.status === null) return null;
    note(`left; the sweep goes on: the same command watches it again, \`dss cancel ${plan.sweep}\` ends it`);
    return signals.status;
  } finally {
    leave.abort();
    client.close();
  }
}
