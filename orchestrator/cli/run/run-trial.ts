/** What `dss run` does: a sweep of one trial. */
import { note } from '../output.js';
import { planSpec } from '../plan/plan-spec.js';
import { StopSignals } from '../stop-signals.js';
import { idleNotes, type SettingFlags, specOfFlags } from './run-flags.js';
import { type RunFlags, runPlan } from './run-plan.js';

export type TrialFlags = RunFlags &
  SettingFlags &
  Parameters<typeof idleNotes>[0] & { readonly name?: string | undefined; readonly datasets?: string | undefined };

const SHORT_ID = 8;

export async function runTrial(flags: TrialFlags): Promise<number> {
  using signals = new StopSignals();
  const spec = specOfFlags(flags, flags.name ?? 'run');
  for (const line of idleNotes(flags)) note(line);
  const plan = await signals.orStatus(() => planSpec(spec, process.cwd(), flags, signals.drain));
  if (typeof plan === 'number') return plan;
  const [trial] = plan.trials;
  const sweep = flags.name ?? (trial === undefined ? plan.sweep : `run-${trial.trialId.slice(0, SHORT_ID)}`);
  return await runPlan({ ...plan, sweep }, flags, signals);
}
