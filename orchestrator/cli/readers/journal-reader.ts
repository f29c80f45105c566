/** Sweeps and trials of a state folder on this machine, beside a control plane that may be writing. */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SweepError } from '../../core/errors.js';
import type { JournalReader } from '../../journal/journal.js';
import { readHistory } from '../../journal/read-history.js';
import { findRunningPlane, type RunningPlane } from '../server/running-plane.js';
import type { PlaneStands, SweepReader } from './sweep-reader.js';

/** `journal`: `null` where none has been written yet. */
export function journalReader(journal: JournalReader | null, home: string): SweepReader {
  return {
    place: `the state folder ${home}`,
    sweeps: async () => journal?.sweeps() ?? [],
    sweep: async (name) => journal?.sweep(name) ?? null,
    async standing(trialIds) {
      if (journal === null) return [];
      const succeeded = journal.succeeded(trialIds);
      return trialIds.flatMap((trialId) => {
        if (succeeded.has(trialId)) return [{ trialId, state: 'succeeded' as const, failure: null }];
        const record = journal.trial(trialId);
        return record === null ? [] : [{ trialId, state: record.state, failure: record.failure }];
      });
    },
    findTrials: async (prefix, limit) => journal?.trialIds(prefix, limit) ?? [],
    async trial(trialId) {
      const record = journal?.trial(trialId) ?? null;
      if (record === null) throw new SweepError('TRIAL_UNKNOWN', `there is no trial ${trialId}`);
      return record;
    },
    async history({ sweep, standing }) {
      return readHistory(home, sweep, standing.options.compare);
    },
    async *trials(sweep) {
      if (journal !== null) yield* journal.trials(sweep);
    },
    async measured() {
      return { measurements: (trialId) => journal?.measurements(trialId) ?? { training: [], evaluations: [] } };
    },
    async *logs(trialId, { follow }) {
      // Without a control plane nothing is added any more.
      const plane = follow ? await findRunningPlane(home) : null;
      yield* plane === null ? linesOf(join(home, 'logs', `${trialId}.log`)) : followed(plane, trialId);
    },
    workers: async () => (await planeOf(home))?.workers ?? null,
    plane: () => planeOf(home),
  };
}

async function* linesOf(path: string): AsyncGenerator<string> {
  if (!existsSync(path)) return; // nothing was written yet
  yield* createInterface({ input: createReadStream(path), crlfDelay: Infinity });
}

async function* followed({ address, clientToken }: RunningPlane, trialId: string): AsyncGenerator<string> {
  const { connectClient } = await import('../../control/client.js');
  const client = connectClient({ address, token: clientToken });
  try {
    yield* client.logs(trialId, { follow: true });
  } finally {
    client.close();
  }
}

async function planeOf(home: string): Promise<PlaneStands | null> {
  const plane = await findRunningPlane(home);
  if (plane === null) return null;
  const { connectClient } = await import('../../control/client.js');
  const client = connectClient({ address: plane.address, token: plane.clientToken });
  try {
    return await client.info();
  } catch {
    return null; // it has ended at this moment, or is an older one: the state folder says the rest all the same
  } finally {
    client.close();
  }
}
