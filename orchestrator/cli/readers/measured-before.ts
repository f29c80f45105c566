/** What earlier trials came to, so that a plan need not assume it. */
import { kindNameOf } from '../../core/cost/device-kinds.js';
import { evaluationsOf, type Measured, workOf } from '../../core/cost/time.js';
import type { TrialRecord } from '../../core/records.js';
import type { SweepReader } from './sweep-reader.js';

/** The newest say most, and a state folder may hold a million. */
const MOST = 500;

export async function measuredBefore(reader: Pick<SweepReader, 'sweeps' | 'trials'>): Promise<readonly Measured[]> {
  const found: Measured[] = [];
  for (const { sweep, counts } of await reader.sweeps()) {
    if (counts.succeeded === 0) continue;
    for await (const record of reader.trials(sweep)) {
      const measured = measuredOf(record);
      if (measured !== null) found.push(measured);
      if (found.length === MOST) return found;
    }
  }
  return found;
}

/** `null`: it says nothing of how long another one takes. */
export function measuredOf({ trial, result }: TrialRecord): Measured | null {
  if (result === null || result.resumedStep > 0) return null;
  const flopsPerSecond = result.mfuUseful * result.peakFlops;
  const device = result.environment['device_name'];
  if (!(flopsPerSecond > 0) || device === undefined) return null;
  const { train = 0, evaluate = 0 } = result.secondsByPhase;
  return {
    device: kindNameOf(device) ?? device,
    model: trial.settings.model,
    precision: trial.settings.precision,
    flopsPerSecond,
    startSeconds: Math.max(0, result.seconds - train - evaluate),
    whole: {
      work: workOf(trial.settings),
      stepSeconds: train / trial.settings.max_steps,
      evaluationSeconds: evaluate / evaluationsOf(trial.settings),
    },
  };
}
