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
 *
 * 2026-11, third entry: how sweeps stand beside others. Sweeps that an older dss left unfinished are paused: it ran
 * only what was submitted to it, so nobody expects them to go on by themselves. Seeds are copied into a column of their
 * own, which is read for every trial at a start: out of the settings it takes a second per million. Tallies are kept by
 * a trigger, so that none can forget them: counting 100,000 trials takes a third of a second, in which nothing is lent.
 *
 * 2026-11, fourth entry: the newest checkpoint whose files are in the store, as JSON beside its trial. There is at most
 * one, and it is read when its trial is lent. Older checkpoints are in their trials' folders only.
 *
 * 2026-11, fifth entry: what a trial needs. It stays among the options in which it was asked for: few trials differ in
 * their texts, so that each text is read once.
 *
 * 2026-11, sixth entry: where a sweep runs, and the comparisons that its file declared. What there was ran here, and
 * declared none.
 *
 * 2026-11, seventh entry: with how many machines at least a trial goes on that has lost one, and how many its newest
 * attempt got where those are fewer than it asks for, else NULL. What there was waits for all of them.
 *
 * 2026-11, eighth entry: a trial's settings as a sweep has them, where model or dataset have other names there; else NULL.
 * Until then the newest submission's names were everybody's, and another sweep could divide the cells of a finished one.
 */
import type { Database } from 'better-sqlite3';

/** "dssj": says that a SQLite file is a journal of ours. */
export const APPLICATION_ID = 0x6473736a;

const LEFT_BY_AN_OLDER_DSS = 'an older dss left it unfinished; submit or resume it';

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
  `
  DELETE FROM submissions WHERE complete = 0;
  ALTER TABLE submissions ADD COLUMN owner TEXT NOT NULL DEFAULT '';
  ALTER TABLE submissions ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE submissions ADD COLUMN weight REAL NOT NULL DEFAULT 1;
  ALTER TABLE submissions ADD COLUMN budget TEXT NOT NULL
    DEFAULT '{"deviceHours":null,"failedTrials":null,"wallHours":null}';
  ALTER TABLE submissions ADD COLUMN state TEXT NOT NULL DEFAULT 'active'
    CHECK (state IN ('active', 'paused', 'cancelled'));
  ALTER TABLE submissions ADD COLUMN reason TEXT NOT NULL DEFAULT '';
  -- The event that made it active last: its budget counts from there on.
  ALTER TABLE submissions ADD COLUMN active_since INTEGER NOT NULL DEFAULT 0;
  UPDATE events SET body = json_set(body, '$.extend', json('false'), '$.owner', '', '$.options', json_object('budget',
    json_object('deviceHours', NULL, 'failedTrials', NULL, 'wallHours', NULL), 'priority', 0, 'weight', 1))
    WHERE kind = 'submitted';
  UPDATE submissions SET state = 'paused', reason = '${LEFT_BY_AN_OLDER_DSS}' WHERE EXISTS (
    SELECT 1 FROM members m JOIN trials t USING (trial_id)
    WHERE m.submission = submissions.submission AND t.state IN ('queued', 'running'));
  INSERT INTO events (at, kind, trial_id, body)
    SELECT submitted_at, 'sweep', NULL,
      json_object('kind', 'sweep', 'reason', reason, 'state', state, 'sweep', sweep)
    FROM submissions WHERE state = 'paused' ORDER BY submission;

  ALTER TABLE trials ADD COLUMN crashes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE trials ADD COLUMN seed INTEGER NOT NULL DEFAULT 0;
  UPDATE trials SET seed = json_extract(settings, '$.seed');
  UPDATE trials SET crashes = (
    SELECT count(*) FROM events e WHERE e.trial_id = trials.trial_id AND e.kind = 'requeued'
    AND json_extract(e.body, '$.failure.code') IN ('WORKER_EXITED', 'CHILD_KILLED', 'CHILD_CRASHED')
    AND e.event_id > (SELECT max(event_id) FROM events q WHERE q.trial_id = e.trial_id AND q.kind = 'queued')
  ) WHERE infrastructure_failures + lost_failures > 0;

  DROP INDEX members_once;
  CREATE UNIQUE INDEX members_once ON members (trial_id, submission);
  CREATE TABLE tallies (
    submission INTEGER NOT NULL REFERENCES submissions (submission) ON DELETE CASCADE,
    state TEXT NOT NULL,
    trials INTEGER NOT NULL,
    PRIMARY KEY (submission, state)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO tallies SELECT submission, state, count(*) FROM members JOIN trials USING (trial_id)
    GROUP BY submission, state;
  CREATE TRIGGER trials_tally AFTER UPDATE OF state ON trials WHEN old.state <> new.state BEGIN
    UPDATE tallies SET trials = trials - 1
      WHERE state = old.state AND submission IN (SELECT submission FROM members WHERE trial_id = new.trial_id);
    INSERT INTO tallies SELECT submission, new.state, 1 FROM members WHERE trial_id = new.trial_id
      ON CONFLICT DO UPDATE SET trials = trials + 1;
  END;
  `,
  `
  ALTER TABLE trials ADD COLUMN checkpoint TEXT;
  UPDATE events SET body = json_set(body, '$.files', json('[]')) WHERE kind = 'checkpointed';
  `,
  `
  UPDATE trials SET run = json_set(run, '$.devices', 1, '$.machines', 1, '$.memoryBytes', 0);
  `,
  `
  UPDATE trials SET run = json_set(run, '$.shard', 0, '$.tensor', 0, '$.optimizerStates', 'device');
  ALTER TABLE submissions ADD COLUMN place TEXT NOT NULL DEFAULT '{"on":"local","pools":[],"settings":{}}';
  ALTER TABLE submissions ADD COLUMN compare TEXT NOT NULL DEFAULT 'null';
  ALTER TABLE submissions ADD COLUMN declared_at INTEGER NOT NULL DEFAULT 0;
  UPDATE submissions SET declared_at = coalesce((
    SELECT min(at) FROM events WHERE kind = 'submitted' AND json_extract(body, '$.sweep') = sweep
  ), 0);
  UPDATE events SET body = json_set(body, '$.options.place',
    json_object('on', 'local', 'pools', json('[]'), 'settings', json('{}')), '$.options.compare', NULL)
    WHERE kind = 'submitted';
  `,
  `
  UPDATE trials SET run = json_set(run, '$.minMachines', run ->> '$.machines');
  ALTER TABLE trials ADD COLUMN machines INTEGER;
  `,
  `
  ALTER TABLE members ADD COLUMN settings TEXT;
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
