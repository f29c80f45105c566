/**
 * Tables of journal.db. A change of the schema is a new entry in MIGRATIONS; what is there never changes.
 *
 * Choices, 2026-11: STRICT tables, so that a wrong type fails at once. Model and dataset sources are
 * JSON rows named by their own digest, since thousands of trials share a few. NULL as a loss means NaN,
 * which SQLite cannot store; infinities it can. Events repeat what rows hold, except for the bits of an
 * evaluation, which would double the file and are in no fold's result.
 */
import type { Database } from 'better-sqlite3';

/** "dssj": says that a SQLite file is a journal of ours. */
export const APPLICATION_ID = 0x6473736a;

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO counters VALUES ('token', 0);

  CREATE TABLE sources (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL
  ) STRICT;

  CREATE TABLE trials (
    trial_id TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    model TEXT NOT NULL REFERENCES sources (digest),
    dataset TEXT NOT NULL REFERENCES sources (digest),
    checkpoint_steps INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    attempts INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    worker_id TEXT,
    infrastructure_failures INTEGER NOT NULL DEFAULT 0,
    lost_failures INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    failure TEXT,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    CHECK ((state = 'succeeded') = (result IS NOT NULL))
  ) STRICT;
  CREATE INDEX trials_running ON trials (trial_id) WHERE state = 'running';

  CREATE TABLE submissions (
    submission INTEGER PRIMARY KEY AUTOINCREMENT,
    sweep TEXT NOT NULL,
    submitted_at INTEGER NOT NULL,
    complete INTEGER NOT NULL CHECK (complete IN (0, 1))
  ) STRICT;
  CREATE UNIQUE INDEX submissions_current ON submissions (sweep, complete);

  CREATE TABLE members (
    submission INTEGER NOT NULL REFERENCES submissions (submission) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    PRIMARY KEY (submission, position)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX members_once ON members (submission, trial_id);

  CREATE TABLE training_points (
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    attempt INTEGER NOT NULL,
    step INTEGER NOT NULL,
    loss REAL,
    PRIMARY KEY (trial_id, attempt, step)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE evaluations (
    trial_id TEXT NOT NULL REFERENCES trials (trial_id),
    attempt INTEGER NOT NULL,
    step INTEGER NOT NULL,
    split TEXT NOT NULL CHECK (split IN ('valid', 'test')),
    loss REAL,
    accuracy REAL,
    row_count INTEGER NOT NULL,
    correct BLOB NOT NULL,
    PRIMARY KEY (trial_id, attempt, step, split)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE events (
    event_id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    trial_id TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_trial ON events (trial_id) WHERE trial_id IS NOT NULL;
  `,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a database of an older version, or an empty one, to this one's. All or nothing. */
export function migrate(db: Database): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  db.transaction(() => {
    for (const [index, statements] of MIGRATIONS.entries()) if (index >= version) db.exec(statements);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}
