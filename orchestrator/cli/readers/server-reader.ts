/** Sweeps and trials of a control plane, as it tells of them. */
import type { Client } from '../../control/client.js';
import type { TrialMeasurements } from '../../core/records.js';
import type { SweepReader } from './sweep-reader.js';

const NOTHING: TrialMeasurements = { training: [], evaluations: [] };

export function serverReader(client: Client, address: string): SweepReader {
  return {
    place: `the control plane at ${address}`,
    sweeps: () => client.list(),
    sweep: (name) => client.sweep(name),
    standing: (trialIds) => client.standing(trialIds),
    findTrials: (prefix, limit) => client.findTrials(prefix, limit),
    trial: (trialId) => client.trial(trialId),
    // 2026-11: a control plane tells when the comparisons became what they are, and nothing of what was before.
    history: async () => null,
    trials: (sweep) => client.trials(sweep),
    async measured(sweep) {
      const all = new Map<string, TrialMeasurements>();
      for await (const { trialId, training, evaluations } of client.measurements(sweep)) {
        all.set(trialId, { training, evaluations });
      }
      return { measurements: (trialId) => all.get(trialId) ?? NOTHING };
    },
    logs: (trialId, options) => client.logs(trialId, options),
    workers: async () => (await client.info()).workers,
    plane: () => client.info(),
  };
}
