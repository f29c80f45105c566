/** The files of the store: whether they are what their names say, and which of them nothing needs any more. */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isStateHeld } from '../../control/state-lock.js';
import { byteCount } from '../../core/byte-count.js';
import type { JournalReader } from '../../journal/journal.js';
import { openJournalReader } from '../../journal/sqlite/sqlite-reader.js';
import { counted } from '../../reports/format.js';
import { digestOfFile } from '../../store/file-digest.js';
import { namesIn } from '../../store/file-store.js';
import { storePaths, UNFINISHED } from '../../store/store-paths.js';
import { type Check, ok, problem, warning } from './doctor-check.js';

/** Whoever submits a sweep again after that sends its files again: nothing is lost but the time. */
const OLD_MS = 7 * 24 * 3_600_000;
/** In one command. */
const NAMED = 20;

interface Found {
  readonly path: string;
  readonly sizeBytes: number;
  readonly changedMs: number;
}

export async function checkStore(home: string, nowMs: number): Promise<readonly Check[]> {
  const { root, files, trials } = storePaths(home);
  const read = below(files);
  const sent = below(trials);
  const journal = journalOf(home);
  try {
    const left = checkpointsLeft(home, journal);
    const checks = left.length === 0 ? [] : [leftCheck(left)];
    if (!existsSync(root)) return [ok('store', 'none yet'), ...checks];
    const whole = [...read, ...sent].filter(({ path }) => !path.endsWith(UNFINISHED));
    return [
      await wholeCheck(whole),
      ...unfinishedCheck([...read, ...sent], home),
      ...unneededCheck(read, files, journal, nowMs),
      ...checks,
    ];
  } finally {
    journal?.close();
  }
}

/** `null`: there is none, or none that can be read, which another check says. */
function journalOf(home: string): JournalReader | null {
  try {
    return openJournalReader(home);
  } catch {
    return null;
  }
}

async function wholeCheck(files: readonly Found[]): Promise<Check> {
  const damaged: string[] = [];
  for (const { path } of files) if ((await digestOfFile(path).catch(() => '')) !== basename(path)) damaged.push(path);
  const what = `${counted(files.length, 'file')}, ${sizeOf(files)}`;
  if (damaged.length === 0) return ok('store', `${what}, whole`);
  return problem(
    'store',
    `${counted(damaged.length, 'damaged file')} in ${what}; workers refuse them`,
    `${remove(damaged)}; then submit the sweep again, from the machine that has its files`,
  );
}

function unfinishedCheck(files: readonly Found[], home: string): readonly Check[] {
  const unfinished = files.filter(({ path }) => path.endsWith(UNFINISHED));
  if (unfinished.length === 0 || isStateHeld(home)) return []; // being written
  const what = `${counted(unfinished.length, 'file')} of the store came in part, ${sizeOf(unfinished)}; the next start removes them`;
  return [warning('store, in part', what, remove(unfinished.map(({ path }) => path)))];
}

/** What trials read, of sweeps that have ended. */
function unneededCheck(
  files: readonly Found[],
  folder: string,
  journal: JournalReader | null,
  nowMs: number,
): readonly Check[] {
  if (journal === null) return [];
  const needed = digestsNeeded(journal);
  const whole = files.filter(({ path }) => !path.endsWith(UNFINISHED));
  const unneeded = whole.filter(({ path, changedMs }) => !needed.has(basename(path)) && nowMs - changedMs > OLD_MS);
  if (unneeded.length === 0) return [];
  const what = `${counted(unneeded.length, 'file')} of the store, ${sizeOf(unneeded)}, that no unfinished sweep has read for a week`;
  const all = unneeded.length === files.length ? `rm -r ${folder}` : remove(unneeded.map(({ path }) => path));
  return [warning('store, not needed', what, all)];
}

function digestsNeeded(journal: JournalReader): ReadonlySet<string> {
  const digests = new Set<string>();
  const seen = new Set<object>();
  for (const { sweep, counts } of journal.sweeps()) {
    if (counts.queued + counts.running === 0) continue;
    for (const { trial, state } of journal.trials(sweep)) {
      if (state !== 'queued' && state !== 'running') continue;
      for (const source of [trial.model, trial.dataset]) {
        if (seen.has(source)) continue;
        seen.add(source);
        for (const { sha256 } of source.files) digests.add(sha256);
      }
    }
  }
  return digests;
}

/** A worker that was told to stop may have written one more. */
function checkpointsLeft(home: string, journal: JournalReader | null): readonly string[] {
  const trials = join(home, 'trials');
  return namesIn(trials).flatMap((trialId) => {
    const path = join(trials, trialId, 'checkpoints');
    if (!existsSync(path)) return [];
    const record = journal?.trial(trialId) ?? null;
    const isOver = record?.state === 'succeeded' || record?.state === 'cancelled';
    return isOver && !record.trial.run.keepCheckpoints ? [path] : [];
  });
}

function leftCheck(paths: readonly string[]): Check {
  const what = `checkpoints of ${counted(paths.length, 'trial')} that ended are left`;
  return warning('checkpoints', what, remove(paths));
}

function below(folder: string): readonly Found[] {
  return namesIn(folder).flatMap((name) =>
    namesIn(join(folder, name)).flatMap((file) => {
      const path = join(folder, name, file);
      const found = statSync(path, { throwIfNoEntry: false }); // it may go while we look
      return found === undefined ? [] : [{ path, sizeBytes: found.size, changedMs: found.mtimeMs }];
    }),
  );
}

function sizeOf(files: readonly Found[]): string {
  return byteCount(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
}

function remove(paths: readonly string[]): string {
  const more = paths.length > NAMED ? ' (and again for the rest)' : '';
  return `rm -r ${paths.slice(0, NAMED).join(' ')}${more}`;
}
