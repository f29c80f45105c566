/** What `dss sweep` does with a file: read, plan, run. */
import { readSweepFile } from '../sources/read-sweep-file.js';
import { planSpec } from './plan-spec.js';
import { type RunFlags, runPlan } from './run-plan.js';
import { StopSignals } from './stop-signals.js';

export interface SweepFlags extends RunFlags {
  readonly datasets?: string | undefined;
}

export async function sweepFile(file: string, flags: SweepFlags): Promise<number> {
  using signals = new StopSignals();
  const { spec, directory } = await readSweepFile(file);
  const plan = await signals.orStatus(() => planSpec(spec, directory, flags, signals.drain));
  if (typeof plan === 'number') return plan;
  return await runPlan(plan, { ...flags, workers: flags.workers ?? String(spec.run.workers) }, signals);
}
