/** What `dss watch` shows: a sweep that a control plane runs, from where it stands until it ends. */
import { EXIT_STATUS, SweepError } from '../../core/errors.js';
import type { SweepRecord, TrialRecord } from '../../core/records.js';
import { hasEnded } from '../../core/watch-event.js';
import { counted } from '../../reports/format.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';
import { serverReader } from '../readers/server-reader.js';
import { collected, mustHaveSweep, withSweep } from '../readers/sweep-reader.js';
import { findServer, type Server, type WhereFlags } from '../server/find-server.js';
import { ReachedPlane } from '../server/reached-plane.js';
import { findRunningPlane } from '../server/running-plane.js';
import { StopSignals } from '../stop-signals.js';
import { needsJoining } from './no-worker.js';
import { createProgress, isLive } from './progress.js';
import { type ProgressDisplay, standingLine } from './progress-lines.js';
import { GOES_ON, sweepTable, sweepValue } from './sweep-lines.js';
import { SweepProgress } from './sweep-progress.js';
import { trialNames } from './trial-names.js';
import { watchThrough } from './watch-through.js';

export interface WatchFlags extends WhereFlags {
  readonly sweep: string;
  readonly json: boolean;
}

const FAILURES_SHOWN = 5;

export async function watchSweep({ sweep, json, ...where }: WatchFlags): Promise<number> {
  using signals = new StopSignals();
  const named = await findServer(where);
  const home = resolveHome(where.home);
  const server = named ?? (await planeAt(home));
  if (server === null) return withSweep(where, sweep, async (_, record) => endsAsItIs(record, json));
  using plane = await ReachedPlane.reach(server, findAgain);
  const readerNow = () => serverReader(plane.client, server.address);
  const { standing } = await mustHaveSweep(readerNow(), sweep);
  const comesBack = named !== null || (await findRunningPlane(home))?.serves === true;
  await show(plane, {
    sweep,
    comesBack,
    isJoined: comesBack && needsJoining(standing),
    live: isLive(json),
    signal: signals.drain,
  });
  if (signals.status === null) return statusOf(await mustHaveSweep(readerNow(), sweep), { json, isRun: true });
  note(`left; the sweep goes on: \`dss watch ${sweep}${named === null ? '' : ` --server ${server.address}`}\``);
  return signals.status;

  async function findAgain(): Promise<Server | null> {
    return named === null ? planeAt(home) : findServer(where);
  }
}

interface ShowOptions {
  readonly sweep: string;
  readonly comesBack: boolean;
  readonly isJoined: boolean;
  readonly live: boolean;
  readonly signal: AbortSignal;
}

/** Until the sweep has ended or the signal is aborted. */
async function show(plane: ReachedPlane, { sweep, comesBack, isJoined, live, signal }: ShowOptions): Promise<void> {
  const { client } = plane;
  // Asked for before the trials, so that nothing happens between the two of which neither tells.
  const events = begun(client.watch(sweep, signal));
  const records = await collected(client.trials(sweep));
  // What runs is told first of all: until then it waits.
  const states = new Map(records.map(({ trial, state }) => [trial.trialId, state === 'running' ? 'queued' : state]));
  const progress = new SweepProgress(
    records.map(({ trial }) => trial),
    (trialId) => states.get(trialId) ?? 'queued',
  );
  const display = await createProgress(progress, live);
  try {
    sayFailures(sweep, records, display);
    const trialIds = records.map(({ trial }) => trial.trialId);
    await watchThrough({ plane, sweep, comesBack, isJoined, trialIds, display, signal, events });
  } finally {
    display.end();
  }
}

/** Is asked for its first item at once. */
async function* begunWith<T>(first: Promise<IteratorResult<T>>, items: AsyncIterator<T>): AsyncGenerator<T> {
  for (let next = await first; next.done !== true; next = await items.next()) yield next.value;
}

function begun<T>(all: AsyncIterable<T>): AsyncGenerator<T> {
  const items = all[Symbol.asyncIterator]();
  const first = items.next();
  first.catch(() => {}); // heard when it is read, if it is
  return begunWith(first, items);
}

async function planeAt(home: string): Promise<Server | null> {
  const plane = await findRunningPlane(home);
  return plane === null ? null : { address: plane.address, token: plane.clientToken };
}

/** Of trials that failed before anybody looked, the newest last. */
function sayFailures(sweep: string, records: readonly TrialRecord[], display: ProgressDisplay): void {
  const failed = records
    .filter(({ state }) => state === 'failed')
    .sort((a, b) => (a.endedAtUnixMs ?? 0) - (b.endedAtUnixMs ?? 0));
  const nameTrial = trialNames(records.map(({ trial }) => trial.settings));
  const more = failed.length - FAILURES_SHOWN;
  if (more > 0) display.say(`${counted(more, 'older failure')}: \`dss status ${sweep}\` has all`);
  for (const record of failed.slice(-FAILURES_SHOWN)) display.say(standingLine(record, { nameTrial }));
}

function endsAsItIs(record: SweepRecord, json: boolean): number {
  if (hasEnded(record.counts) || record.standing.state !== 'active') return statusOf(record, { json, isRun: false });
  throw new SweepError('UNAVAILABLE', `no control plane runs sweep "${record.sweep}", which is not finished`, {
    hint: `${GOES_ON}; --server names a control plane elsewhere`,
  });
}

/** As `dss sweep` ends. */
function statusOf(record: SweepRecord, { json, isRun }: { readonly json: boolean; readonly isRun: boolean }): number {
  const { sweep, standing, counts, total } = record;
  if (json) printJson(sweepValue(record));
  else print(sweepTable([record], { isRun }));
  if (standing.state === 'paused') note(`paused: ${standing.reason}; \`dss resume ${sweep}\` goes on`);
  return counts.succeeded === total ? 0 : EXIT_STATUS.TRIALS_FAILED;
}
