/**
 * Copies of the journal and the way back.
 *
 * 2026-11, VACUUM INTO rather than SQLite's backup API: it copies what one read transaction sees, so that a busy writer
 * neither waits for it nor disturbs it, where the backup API starts over whenever another process has written. The price
 * is that it writes every page at once; 100,000 trials are some tens of megabytes. It does not sync what it wrote: we do.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { SweepError } from '../../core/errors.js';
import { backupsFolder, listBackups, timeName } from './backups.js';
import { checkIdentity, guarded, journalPath, openForReading, restorePath } from './open-database.js';

const KEPT = 5;

export interface Backup {
  readonly path: string;
  readonly bytes: number;
  /** Older ones that made room. */
  readonly removed: readonly string[];
}

/**
 * Beside a writer or alone. Without `file`: a new one in the state folder, where the newest five are kept.
 * Throws SweepError USAGE for a file that exists, and STATE_INVALID for a journal that is damaged.
 */
export function backupJournal(home: string, file: string | null, nowUnixMs: number): Backup {
  const path = file === null ? join(backupsFolder(home), `${timeName(nowUnixMs)}.db`) : resolve(file);
  if (file === null) mkdirSync(backupsFolder(home), { recursive: true, mode: 0o700 });
  if (existsSync(path))
    throw new SweepError('USAGE', `${path} exists`, { hint: 'a backup overwrites nothing: name another file' });
  const draft = `${path}.part`;
  const db = openForReading(home);
  if (db === null)
    throw new SweepError('USAGE', `there is no journal in ${home}`, { hint: 'nothing has run there yet' });
  try {
    copyInto(db, journalPath(home), draft);
    checkCopy(draft);
    linkSync(draft, path); // fails where a rename would overwrite
  } finally {
    rmSync(draft, { force: true });
  }
  sync(dirname(path));
  const removed = file === null ? listBackups(home).slice(0, -KEPT) : [];
  for (const old of removed) rmSync(old, { force: true });
  return { path, bytes: statSync(path).size, removed };
}

/**
 * The copy becomes the journal; what is there moves aside and stays. The caller holds the state folder. Whenever it is
 * interrupted, the old journal is in place, or the next start says that a restore was not finished: never is there
 * nothing, which would be taken for a new state folder. Gives where the former files lie.
 */
export function restoreJournal(home: string, file: string, nowUnixMs: number): readonly string[] {
  const source = resolve(file);
  const path = journalPath(home);
  if (!existsSync(source)) throw new SweepError('USAGE', `there is no file ${source}`, { hint: listed(home) });
  checkCopy(source);
  const draft = restorePath(path);
  copyInto(new Database(source, { fileMustExist: true, readonly: true }), source, draft);
  const aside = join(home, `journal-${timeName(nowUnixMs)}.db`);
  const moved: string[] = [];
  // First the file itself: until its -wal has followed, a start refuses for want of it.
  for (const ending of ['', '-wal', '-shm', '.open']) {
    if (!existsSync(`${path}${ending}`)) continue;
    renameSync(`${path}${ending}`, `${aside}${ending}`);
    moved.push(`${aside}${ending}`);
  }
  sync(home);
  renameSync(draft, path);
  sync(home);
  return moved;
}

/** Throws SweepError STATE_INVALID for what is no whole journal of a version that is known here. */
function checkCopy(path: string): void {
  guarded(path, () => {
    const db = new Database(path, { fileMustExist: true, readonly: true });
    try {
      checkIdentity(db, path);
      const verdict = db.pragma('integrity_check(1)', { simple: true });
      if (verdict !== 'ok') {
        throw new SweepError('STATE_INVALID', `${path} is damaged: ${String(verdict)}`, { hint: 'take an older copy' });
      }
    } finally {
      db.close();
    }
  });
}

/** With what is in its -wal. Closes the source. */
function copyInto(db: Database.Database, source: string, draft: string): void {
  try {
    rmSync(draft, { force: true }); // of a copy that was killed
    guarded(source, () => db.prepare('VACUUM INTO ?').run(draft));
    chmodSync(draft, 0o600);
    sync(draft);
  } finally {
    db.close();
  }
}

function listed(home: string): string {
  const backups = listBackups(home);
  return backups.length === 0 ? 'there are no backups' : `backups: ${backups.join(', ')}`;
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
