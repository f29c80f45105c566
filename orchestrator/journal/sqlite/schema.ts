/**
 * Tables of journal.db. A change of the schema is a new entry in MIGRATIONS; what is there never changes.
 *
 * Choices, 2026-11: STRICT tables, so that a wrong type fails at once. Model and dataset sources are
 * JSON rows named by their own digest, since thousands of trials share a few. NULL as a loss means NaN,
 * which SQLite cannot store; infinities it can. Events repeat what rows hold, except for the bits of an
 * evaluation, which would double the file and are in no fold's result.
 *
 * 2026-11, second entry: what engine 1 did not know is written into its rows and events, as what it did: nothing was
 * kept, nothing more was measured (0, as on the wire). So every reader meets whole values. Trials of engine 1 keep
 * their ids, which no trial of a later engine has.
 */
import type { Database } from 'better-sqlite3';

/** "dssj": says that a SQLite file is a journal of ours. */
export const APPLICATION_ID = 0x6473736a;

/** A result in a JSON text, with what engine 1 did not measure. NULL stays NULL. */
function withMeasures(text: string, result: string): string {
  const zeros = ['resumedStep', 'usefulTokensPerSecond', 'paddedTokensPerSecond', 'mfuUseful', 'mfuPadded'];
  zeros.push('peakFlops', 'peakMemoryBytes', 'predictedMemoryBytes');
  const added = zeros.map((name) => `'${result}.${name}', 0`);
  added.push(`'${result}.choiceAccuracy', NULL`, `'${result}.peakFlopsSource', ''`);
  return `json_set(${text}, ${added.join(', ')})`;
}

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
  `
  ALTER TABLE trials ADD COLUMN run TEXT NOT NULL DEFAULT '{}';
  UPDATE trials SET
    run = json_object('checkpointSteps', checkpoint_steps, 'compile', 'auto', 'directory', NULL,
      'gradientCheckpointing', 'auto', 'keep', 'none', 'keepCheckpoints', json('false'), 'microBatches', 0,
      'outputRationale', json('false')),
    settings = json_set(settings, '$.optimizer', 'adamw', '$.adapter', 'none', '$.lora_rank', NULL,
      '$.lora_alpha', NULL),
    result = ${withMeasures('result', '$')};
  ALTER TABLE trials DROP COLUMN checkpoint_steps;
  ALTER TABLE evaluations ADD COLUMN choice_accuracy REAL;
  UPDATE sources SET body = json_set(body, '$.choices', json('[]')) WHERE json_type(body, '$.layout') IS NOT NULL;
  UPDATE events SET body = ${withMeasures('body', '$.result')} WHERE kind = 'succeeded';
  UPDATE events SET body = json_set(body, '$.evaluations', (
    SELECT json_group_array(json_set(value, '$.choiceAccuracy', NULL) ORDER BY key)
    FROM json_each(events.body, '$.evaluations')
  )) WHERE kind = 'measured';
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
