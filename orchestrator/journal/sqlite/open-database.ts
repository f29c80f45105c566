/** Opening journal.db with the checks and settings that its promises rest on. */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SweepError } from '../../core/errors.js';
import { repairHint } from './backups.js';
import { hasLostWal, lostWalHint, markOpen } from './open-marker.js';
import { checkPages } from './page-check.js';
import { APPLICATION_ID, migrate, SCHEMA_VERSION } from './schema.js';

export function journalPath(home: string): string {
  return join(home, 'journal.db');
}

/** A copy that is about to become the journal. */
export function restorePath(journalPath: string): string {
  return `${journalPath}.restored`;
}

export interface Opened {
  readonly db: Database.Database;
  /** "ok", or what is wrong with its pages: nothing is to be written before it is there. */
  readonly verdict: Promise<string>;
}

/** For the one writer, whole. Makes the folder and the file when they are absent. */
export function openForWriting(home: string): Database.Database {
  return opened(home, (db, path) => {
    mustBeWhole(String(db.pragma('quick_check(1)', { simple: true })), path);
    configure(db);
    migrate(db);
    return db;
  });
}

/** As above; its pages are checked while its caller reads. */
export function openWhileChecking(home: string): Opened {
  return opened(home, (db, path) => {
    // To bring it up to date is to write.
    if ((db.pragma('user_version', { simple: true }) as number) < SCHEMA_VERSION) {
      mustBeWhole(String(db.pragma('quick_check(1)', { simple: true })), path);
      configure(db);
      migrate(db);
      return { db, verdict: Promise.resolve('ok') };
    }
    configure(db);
    const verdict = checkPages(path).catch(() => String(db.pragma('quick_check(1)', { simple: true })));
    return { db, verdict };
  });
}

/** @throws SweepError STATE_INVALID */
export function mustBeWhole(verdict: string, path: string): void {
  if (verdict !== 'ok') throw invalid(path, `is damaged: ${verdict}`);
}

function opened<T>(home: string, open: (db: Database.Database, path: string) => T): T {
  const path = journalPath(home);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (!isThere(path)) {
    if (existsSync(`${path}-wal`)) throw invalid(path, 'is gone, but what was last written to it is still in its -wal');
    if (existsSync(restorePath(path))) throw invalid(path, 'is gone: a restore was not finished', 'restore it again');
    create(home, path);
  }
  mustHaveWal(path);
  return guarded(path, () => {
    const db = new Database(path, { fileMustExist: true, timeout: 5_000 });
    try {
      checkIdentity(db, path);
      const value = open(db, path);
      markOpen(path);
      return value;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** For readers beside the writer; `null` when there is no journal yet. */
export function openForReading(home: string): Database.Database | null {
  const path = journalPath(home);
  if (!isThere(path)) return null;
  mustHaveWal(path);
  return guarded(path, () => {
    const db = new Database(path, { fileMustExist: true, readonly: true, timeout: 5_000 });
    try {
      if (checkIdentity(db, path) < SCHEMA_VERSION) {
        throw invalid(
          path,
          'was written by an older dss',
          'run a sweep once with this version: it brings the file up to date',
        );
      }
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Whether an older dss wrote it: a reader refuses it until a writer has opened it once. */
export function isOutdated(home: string): boolean {
  const path = journalPath(home);
  if (!isThere(path)) return false;
  return guarded(path, () => {
    const db = new Database(path, { fileMustExist: true, readonly: true, timeout: 5_000 });
    try {
      return checkIdentity(db, path) < SCHEMA_VERSION;
    } finally {
      db.close();
    }
  });
}

/** What may not be looked at is not absent: it throws. */
function isThere(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** SQLite's complaints about the file become ours; everything else stays what it is. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SweepError) throw error;
    // Of a folder SQLite says "disk I/O error".
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
      throw invalid(path, 'is no file', undefined, error);
    const code = error instanceof Database.SqliteError ? error.code : '';
    const isSchemaDamaged =
      error instanceof Database.SqliteError && error.message.startsWith('malformed database schema');
    if (isSchemaDamaged || /^SQLITE_(CORRUPT|NOTADB|CANTOPEN|IOERR_SHORT_READ)/.test(code)) {
      throw invalid(path, `cannot be read: ${(error as Error).message}`, undefined, error);
    }
    throw error;
  }
}

/** The name of a network file system, on which SQLite's locks and shared memory cannot be relied on. */
export function networkFileSystem(folder: string): string | null {
  const names: Readonly<Record<number, string>> = {
    26985: 'NFS',
    20859: 'SMB',
    4266872130: 'SMB',
    4283649346: 'CIFS',
    1397113167: 'AFS',
    198183888: 'Lustre',
    1196443219: 'GPFS',
  };
  return names[statfsSync(folder).type] ?? null;
}

/**
 * Under another name first: a crash in the middle leaves no empty journal.db, so an empty one is always
 * a truncated one and never taken for a new one.
 */
function create(home: string, path: string): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  rmSync(`${draft}-journal`, { force: true });
  const db = new Database(draft);
  try {
    migrate(db);
  } finally {
    db.close();
  }
  chmodSync(draft, 0o600);
  renameSync(draft, path);
  const folder = openSync(home, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function configure(db: Database.Database): void {
  db.pragma('journal_mode = WAL');
  // This build opens WAL databases at NORMAL, where a power cut may take back what was acknowledged.
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  // 16 MiB, not 4: pages that change again and again reach the file a quarter as often, a fifth off the cost of a trial.
  db.pragma('wal_autocheckpoint = 4000');
  // KiB. This build takes 16 MiB for the file and as much for temporary tables; the system's own cache does as well.
  db.pragma('cache_size = -4000');
  db.pragma('temp.cache_size = -1000');
}

/** Gives the schema's version. Throws SweepError STATE_INVALID for what is no journal, or one of a newer dss. */
export function checkIdentity(db: Database.Database, path: string): number {
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    const isEmpty = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
    throw invalid(path, isEmpty ? 'is empty: it was cut off' : 'is not a journal of dss');
  }
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    throw invalid(
      path,
      `was written by a newer dss (schema ${version}, this one knows ${SCHEMA_VERSION})`,
      'use that version',
    );
  }
  return version;
}

function mustHaveWal(path: string): void {
  if (!hasLostWal(path)) return;
  throw invalid(path, 'has lost its -wal, which has what was written last', lostWalHint(path, repairHint(path)));
}

function invalid(path: string, what: string, hint?: string, cause?: unknown): SweepError {
  return new SweepError('STATE_INVALID', `${path} ${what}`, {
    hint: hint ?? repairHint(path),
    ...(cause === undefined ? {} : { cause }),
  });
}
