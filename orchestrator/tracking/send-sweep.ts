/** One pass over a sweep: sends a tracker what it does not have yet. */
import type { TrialState } from '../core/domain.js';
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import { cellIdOf, standingOf, type TrackedTrial, trackedTrial } from './tracked.js';
import { foldTracked } from './tracked-cell.js';
import type { Tracker } from './tracker.js';

export interface SweepSource {
  trials(): AsyncIterable<TrialRecord>;
  /** Asked for only where something is new: it may read all that a sweep has measured. */
  measured(): Promise<{ measurements(trialId: string): TrialMeasurements }>;
}

export interface Sent {
  readonly trials: number;
  /** Trials that were begun and are all there, as they stand. */
  readonly settled: number;
  /** Nothing waits or runs. */
  readonly ended: boolean;
}

/** A tracker is asked about so many cells at once. */
const AT_ONCE = 4;

/** @throws what the tracker or the source threw first; what other cells had begun has ended by then */
export async function sendSweep(
  source: SweepSource,
  tracker: Tracker,
  { now, signal }: { readonly now: () => number; readonly signal?: AbortSignal | undefined },
): Promise<Sent> {
  const cells = new Map<string, TrialRecord[]>();
  for await (const record of source.trials()) {
    const id = cellIdOf(record.trial.settings);
    const records = cells.get(id);
    if (records === undefined) cells.set(id, [record]);
    else records.push(record);
  }
  const measured = once(() => source.measured());
  const waiting = [...cells];
  let failure: unknown = null;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined && failure === null; next = waiting.shift()) {
      if (signal?.aborted === true) return;
      try {
        await sendCell(...next, measured, tracker, now);
      } catch (reason) {
        failure ??= reason;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failure !== null) throw failure;
  const records = [...cells.values()].flat();
  return {
    trials: records.length,
    settled: records.filter((record) => tracker.settled(record.trial.trialId) === standingOf(record)).length,
    ended: records.every(({ state }) => state !== 'queued' && state !== 'running'),
  };
}

async function sendCell(
  cellId: string,
  records: readonly TrialRecord[],
  measured: () => ReturnType<SweepSource['measured']>,
  tracker: Tracker,
  now: () => number,
): Promise<void> {
  const begun = records.filter(({ attempts, state }) => attempts > 0 && state !== 'queued');
  const standing = records.map((record) => `${record.trial.trialId} ${standingOf(record)}`).join('\n');
  const isRunning = begun.some(({ state }) => state === 'running');
  if (begun.length === 0 || (!isRunning && tracker.settled(cellId) === standing)) return;
  const { measurements } = await measured();
  const trials: TrackedTrial[] = [];
  for (const record of begun) {
    const { trialId } = record.trial;
    const trial = trackedTrial(record, measurements(trialId), now());
    trials.push(trial);
    if (tracker.settled(trialId) === standingOf(record)) continue;
    await tracker.trial(trial);
    if (record.state !== 'running') await tracker.settle(trialId, standingOf(record));
  }
  if (tracker.settled(cellId) === standing) return;
  await tracker.cell(foldTracked(trials, countsOf(records)));
  await tracker.settle(cellId, standing);
}

function countsOf(records: readonly TrialRecord[]): Record<TrialState, number> {
  const counts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  for (const { state } of records) counts[state] += 1;
  return counts;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
