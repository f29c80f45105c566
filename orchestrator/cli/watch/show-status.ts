/** What `dss status` prints. */
import type { SweepRecord } from '../../core/records.js';
import { hasEnded } from '../../core/watch-event.js';
import { print, printJson } from '../output.js';
import { collected, type SweepReader, withReader, withSweep } from '../readers/sweep-reader.js';
import type { WhereFlags } from '../server/find-server.js';
import { needsJoining, noWorkerNotice } from './no-worker.js';
import { noticeLine } from './notice-line.js';
import { standingLine } from './progress-lines.js';
import { GOES_ON, sweepTable, sweepValue } from './sweep-lines.js';
import { trialNames } from './trial-names.js';
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
  const [plane, sweeps] = await Promise.all([reader.plane(), reader.sweeps()]);
  const isRun = plane !== null;
  if (json) {
    const workers = plane?.workers.map(workerValue) ?? null;
    const standing = { control_plane: controlPlaneValue(isRun), workers, notices: plane?.notices ?? [] };
    printJson({ sweeps: sweeps.map(sweepValue), ...standing });
    return 0;
  }
  print(sweeps.length === 0 ? `no sweep has run yet with ${reader.place}` : sweepTable(sweeps, { isRun }));
  if (plane === null) {
    tellUnfinished(sweeps);
    return 0;
  }
  const { workers, notices } = plane;
  print(workers.length === 0 ? '\nno worker is connected' : `\n${workerTable(workers)}`);
  if (notices.length > 0) print('');
  for (const notice of notices) print(noticeLine(notice));
  return 0;
}

async function showOne(reader: SweepReader, sweep: SweepRecord, json: boolean): Promise<number> {
  const [workers, trials] = await Promise.all([reader.workers(), collected(reader.trials(sweep.sweep))]);
  const isRun = workers !== null;
  const running = (workers ?? []).flatMap((worker) => worker.running);
  const progress = new Map(running.map((each) => [each.trialId, each]));
  if (json) {
    printJson({
      ...sweepValue(sweep),
      control_plane: controlPlaneValue(isRun),
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
  print(sweepTable([sweep], { isRun }));
  const open = trials.filter(({ state }) => state === 'running' || state === 'failed' || state === 'cancelled');
  const again = trials.filter(({ state, failure }) => state === 'queued' && failure !== null);
  const nameTrial = trialNames(trials.map(({ trial }) => trial.settings));
  for (const record of [...open, ...again]) {
    print(standingLine(record, { nameTrial, progress: progress.get(record.trial.trialId), isRun }));
  }
  if (!isRun) tellUnfinished([sweep]);
  const missing = isRun && !hasEnded(sweep.counts) && needsJoining(sweep.standing) ? noWorkerNotice(workers) : null;
  if (missing !== null) print(`\n${noticeLine(missing)}`);
  return 0;
}

/** For `--json`; scripts rely on this shape. `null`: none runs. */
function controlPlaneValue(isRun: boolean): 'running' | null {
  return isRun ? 'running' : null;
}

/** Where no control plane is there to go on with them. */
function tellUnfinished(sweeps: readonly SweepRecord[]): void {
  const names = sweeps
    .filter(({ counts, standing }) => !hasEnded(counts) && standing.state === 'active')
    .map(({ sweep }) => sweep);
  if (names.length === 0) return;
  print(`\nno control plane runs ${names.join(', ')}, so nothing happens: ${GOES_ON}`);
}
