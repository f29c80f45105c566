/**
 * What an MLflow server was sent, kept in the state folder: what is in it need not be asked for. A run is marked before
 * each batch and cleared after it, so that after a crash the server is asked about just the runs in doubt.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { SweepError } from '../../core/errors.js';

/** By key and step, the value that was sent last. */
export type SentPoints = Map<string, Map<number, number>>;

export interface SentRun {
  /** `null`: it was being created, and nobody heard how that ended. */
  readonly runId: string | null;
  readonly points: SentPoints;
  /** A batch was on its way when this was written. */
  readonly inDoubt: boolean;
  /** See `Tracker.settled`. */
  readonly settled: string | null;
}

export interface SentStore {
  /** Whether nobody but this store's owner can have put runs into the experiment. Forgets all of another one. */
  open(experimentId: string, isNew: boolean): boolean;
  run(key: string): SentRun | null;
  put(key: string, run: SentRun): void;
  settle(key: string, standing: string): void;
  forget(key: string): void;
  close(): void;
}

interface Row {
  readonly run_id: string | null;
  readonly points: string;
  readonly in_doubt: number;
  readonly settled: string | null;
}

/** One sender at a time: the file is locked as long as this is open. @throws SweepError STATE_HELD */
export function openSentStore(path: string, what: string): SentStore {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const db = new Database(path, { timeout: 0 });
  try {
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec(`BEGIN EXCLUSIVE;
      CREATE TABLE IF NOT EXISTS runs (
        key TEXT PRIMARY KEY, run_id TEXT, points TEXT NOT NULL, in_doubt INTEGER NOT NULL, settled TEXT
      ) STRICT;
      CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
      COMMIT;`);
    chmodSync(path, 0o600);
  } catch (error) {
    db.close();
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
    throw new SweepError('STATE_HELD', `another dss is sending ${what}`, {
      hint: 'it sends what is new by itself; wait for it',
      cause: error,
    });
  }
  const find = db.prepare<[string], Row>('SELECT run_id, points, in_doubt, settled FROM runs WHERE key = ?');
  const write = db.prepare('INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)');
  const fact = db.prepare<[string], { value: string }>('SELECT value FROM facts WHERE name = ?');
  const setFact = db.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)');
  return {
    open: db.transaction((experimentId: string, isNew: boolean) => {
      if (fact.get('experiment')?.value !== experimentId) {
        db.exec('DELETE FROM runs; DELETE FROM facts');
        setFact.run('experiment', experimentId);
        setFact.run('own', isNew ? '1' : '0');
      }
      return fact.get('own')?.value === '1';
    }),
    run(key) {
      const row = find.get(key);
      if (row === undefined) return null;
      return { runId: row.run_id, points: decoded(row.points), inDoubt: row.in_doubt !== 0, settled: row.settled };
    },
    put: (key, { runId, points, inDoubt, settled }) => {
      write.run(key, runId, encoded(points), inDoubt ? 1 : 0, settled);
    },
    settle: (key, standing) => {
      db.prepare('UPDATE runs SET settled = ? WHERE key = ?').run(standing, key);
    },
    forget: (key) => {
      db.prepare('DELETE FROM runs WHERE key = ?').run(key);
    },
    close: () => {
      db.close();
    },
  };
}

/** JSON has no word for what is no finite number, and for a step it is enough that something was sent. */
function encoded(points: SentPoints): string {
  return JSON.stringify([...points].map(([key, values]) => [key, [...values]]));
}

function decoded(text: string): SentPoints {
  const entries = JSON.parse(text) as [string, [number, number | null][]][];
  return new Map(
    entries.map(([key, values]) => [key, new Map(values.map(([step, value]) => [step, value ?? Number.NaN]))]),
  );
}
