/** A plan whose trials say what memory they need, by what the state folder has seen of their like. */
import type { Device } from '../../core/domain.js';
import { MeasuredPeaks, withMemoryNeeds } from '../../plan/memory-needs.js';
import type { Plan } from '../../plan/plan-sweep.js';
import type { SweepReader } from '../readers/sweep-reader.js';
import { devicesThatAreThere } from './chosen-devices.js';

/** The newest say most, and a state folder may hold a million. */
const MOST = 2_000;

/** @param isElsewhere the workers of a control plane run it, of which there may be none so far; else this machine does */
export async function withNeeds(
  plan: Plan,
  reader: Pick<SweepReader, 'sweeps' | 'trials' | 'workers'>,
  isElsewhere: boolean,
): Promise<Plan> {
  const there = await devicesThatAreThere(isElsewhere ? await reader.workers() : null, undefined);
  const kinds = new Set<Device['kind']>(there.map(({ kind }) => kind.kind));
  const trials = await withMemoryNeeds(
    plan.trials,
    kinds.size > 0 ? [...kinds] : ['cpu', 'cuda'],
    await measuredPeaks(reader),
  );
  return { ...plan, trials };
}

async function measuredPeaks(reader: Pick<SweepReader, 'sweeps' | 'trials'>): Promise<MeasuredPeaks> {
  const peaks = new MeasuredPeaks();
  let seen = 0;
  for (const { sweep, counts } of await reader.sweeps()) {
    if (counts.succeeded === 0) continue;
    for await (const record of reader.trials(sweep)) {
      if (record.result === null) continue;
      peaks.add(record);
      seen += 1;
      if (seen === MOST) return peaks;
    }
  }
  return peaks;
}
