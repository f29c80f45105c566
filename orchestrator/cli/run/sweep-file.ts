/** What `dss sweep` does with a file: read, plan, run. */
import { SweepError } from '../../core/errors.js';
import { readSweepFile } from '../../sources/read-sweep-file.js';
import { note } from '../output.js';
import { type PlaceChoice, withPlace } from '../places/chosen-place.js';
import { planSpec } from '../plan/plan-spec.js';
import { StopSignals } from '../stop-signals.js';
import { type RunFlags, runPlan } from './run-plan.js';

export interface SweepFlags extends RunFlags, PlaceChoice {
  readonly datasets?: string | undefined;
}

export async function sweepFile(file: string, flags: SweepFlags): Promise<number> {
  using signals = new StopSignals();
  const { spec: asked, directory, placeOf, notices } = await readSweepFile(file);
  for (const line of notices) note(line);
  const spec = withPlace(asked, flags);
  if (flags.slots !== undefined && spec.run.on !== 'local') {
    throw new SweepError('USAGE', `--slots: it is for workers of this machine, and this sweep runs on ${spec.run.on}`, {
      hint: 'the variable DSS_WORKER_SLOTS of its workers says it there',
    });
  }
  const plan = await signals.orStatus(() => planSpec(spec, directory, flags, signals.drain));
  if (typeof plan === 'number') return plan;
  const { workers, slots } = spec.run;
  const how = { workers: flags.workers ?? String(workers), slots: flags.slots ?? slots };
  return await runPlan(plan, { ...flags, ...how, placeOf }, signals);
}
