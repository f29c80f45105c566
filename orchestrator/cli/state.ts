/** Reading the state folder. */
import { acquireStateLock } from '../control/state-lock.js';
import { closest } from '../core/closest.js';
import { SweepError } from '../core/errors.js';
import { isRunAgainOnSubmit } from '../core/retry.js';
import type { JournalReader, SweepRecord } from '../journal/journal.js';
import { isOutdated } from '../journal/sqlite/open-database.js';
import { openJournal } from '../journal/sqlite/sqlite-journal.js';
import { openJournalReader } from '../journal/sqlite/sqlite-reader.js';
import type { Plan } from '../plan/plan-sweep.js';
import { resolveHome } from './environment.js';
import type { Standing } from './plan-text.js';

/** Opens the journal, hands it over, and closes it. */
export async function withJournal<T>(home: string, use: (journal: JournalReader | null) => T | Promise<T>): Promise<T> {
  bringUpToDate(home);
  const journal = openJournalReader(home);
  try {
    return await use(journal);
  } finally {
    journal?.close();
  }
}

/** Throws SweepError STATE_HELD where a control plane of the older version still writes. */
function bringUpToDate(home: string): void {
  if (!isOutdated(home)) return;
  const lock = acquireStateLock(home);
  try {
    openJournal(home).close();
  } finally {
    lock.release();
  }
}

/** An id or its beginning, as long as only one trial's begins so. */
export function findTrial(journal: JournalReader | null, prefix: string, home: string): string {
  const found = /^[0-9a-f]{1,20}$/.test(prefix) ? (journal?.trialIds(prefix, 3) ?? []) : [];
  const [first, second] = found;
  if (first === undefined) {
    throw new SweepError('TRIAL_UNKNOWN', `there is no trial whose id begins with "${prefix}"`, {
      hint: `\`dss results SWEEP\` lists ids; the state folder is ${home}`,
    });
  }
  if (second !== undefined && first !== prefix) {
    throw new SweepError('TRIAL_UNKNOWN', `several trials have an id that begins with "${prefix}"`, {
      hint: `${found.slice(0, 2).join(', ')}${found.length > 2 ? ', …' : ''}`,
    });
  }
  return first;
}

/** For commands about one sweep. */
export async function withSweep<T>(
  homeFlag: string | undefined,
  name: string,
  use: (journal: JournalReader, sweep: SweepRecord) => T | Promise<T>,
): Promise<T> {
  const home = resolveHome(homeFlag);
  return withJournal(home, (journal) => {
    const sweep = journal?.sweep(name) ?? null;
    if (journal === null || sweep === null) throw unknownSweep(journal, name, home);
    return use(journal, sweep);
  });
}

function unknownSweep(journal: JournalReader | null, name: string, home: string): SweepError {
  const names = journal?.sweeps().map(({ sweep }) => sweep) ?? [];
  const meant = closest(name, names);
  const known =
    names.length === 0
      ? `nothing has run yet with the state folder ${home}`
      : `known: ${names.slice(0, 10).join(', ')}`;
  return new SweepError('SWEEP_UNKNOWN', `there is no sweep "${name}"`, {
    hint: meant === null ? known : `did you mean ${meant}? ${known}`,
  });
}

/** How the trials of a plan stand before it runs. */
export function standingOf(
  journal: JournalReader | null,
  plan: Plan,
  { retryFailed, rerun = false }: { readonly retryFailed: boolean; readonly rerun?: boolean },
): Standing {
  const states = new Map<string, 'succeeded' | 'failed'>();
  const ids = plan.trials.map(({ trialId }) => trialId);
  if (!rerun) for (const id of journal?.succeeded(ids) ?? []) states.set(id, 'succeeded');
  const done = states.size;
  for (const id of ids) {
    const record = states.has(id) ? null : (journal?.trial(id) ?? null);
    if (record?.state === 'failed' && !isRunAgainOnSubmit(record.failure, retryFailed)) states.set(id, 'failed');
  }
  return { done, failedBefore: states.size - done, toRun: ids.length - states.size, states };
}

/** Whether the journal has exactly these trials as the sweep, so that submitting would change nothing. */
export function isSubmitted(journal: JournalReader | null, plan: Plan): boolean {
  const sweep = journal?.sweep(plan.sweep) ?? null;
  if (journal === null || sweep === null || sweep.total !== plan.trials.length) return false;
  let position = 0;
  for (const { trial } of journal.trials(plan.sweep)) {
    if (trial.trialId !== plan.trials[position]?.trialId) return false;
    position += 1;
  }
  return true;
}
