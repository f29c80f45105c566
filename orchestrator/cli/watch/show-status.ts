/** What `dss status` prints. */
import type { SweepRecord } from '../../core/records.js';
import { print, printJson } from '../output.js';
import { collected, type SweepReader, withReader, withSweep } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';
import { noticeLine } from './notice-line.js';
import { standingLine } from './progress-lines.js';
import { sweepTable, sweepValue } from './sweep-lines.js';
import { progressValue, workerTable, workerValue } from './worker-lines.js';

export interface StatusFlags extends WhereFlags {
  readonly sweep: string | undefined;
  readonly json: boolean;
}

export function showStatus({ sweep, json, ...where }: StatusFlags): Promise<number> {
  return sweep === undefined
    ? withReader(where, (reader) => showAll(reader, json))
    : withSweep(where, sweep, (reader, record) => showOne(reader, record, json));
}

async function showAll(reader: SweepReader, json: boolean): Promise<number> {
  // Asked for first: it is the slower of the two when a control plane runs.
  const asked = reader.plane();
  const sweeps = await reader.sweeps();
  const plane = await asked;
  if (json) {
    const workers = plane?.workers.map(workerValue) ?? null;
    printJson({ sweeps: sweeps.map(sweepValue), workers, notices: plane?.notices ?? [] });
    return 0;
  }
  print(sweeps.length === 0 ? 'no sweep has run yet' : sweepTable(sweeps));
  if (plane === null) return 0;
  const { workers, notices } = plane;
  print(workers.length === 0 ? '\nno worker is connected' : `\n${workerTable(workers)}`);
  if (notices.length > 0) print('');
  for (const notice of notices) print(noticeLine(notice));
  return 0;
}

async function showOne(reader: SweepReader, sweep: SweepRecord, json: boolean): Promise<number> {
  const asked = reader.workers();
  const trials = await collected(reader.trials(sweep.sweep));
  const running = ((await asked) ?? []).flatMap((worker) => worker.running);
  const progress = new Map(running.map((each) => [each.trialId, each]));
  if (json) {
    printJson({
      ...sweepValue(sweep),
      trials: trials.map(({ trial, state, attempts, failure }) => ({
        id: trial.trialId,
        state,
        attempts,
        failure:
          state === 'succeeded' || failure === null
            ? null
            : { code: failure.code, message: failure.message, hint: failure.hint },
        progress: progressValue(progress.get(trial.trialId)),
      })),
    });
    return 0;
  }
  print(sweepTable([sweep]));
  const open = trials.filter(({ state }) => state === 'running' || state === 'failed' || state === 'cancelled');
  const again = trials.filter(({ state, failure }) => state === 'queued' && failure !== null);
  for (const record of [...open, ...again]) {
    print(standingLine(record, progress.get(record.trial.trialId) ?? null));
  }
  return 0;
}
