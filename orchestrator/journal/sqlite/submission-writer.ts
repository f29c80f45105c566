/**
 * Writes a sweep, which comes in parts: its trials, their sources, and their order.
 *
 * 2026-11: parts wait in temporary tables until the last one is there. Weighed against writing each part where it
 * belongs: a sweep that is refused in the end, as another one has its name, must not have changed anything, and a
 * client that goes away half-way leaves nothing behind. The price is one longer transaction at the end, a second or
 * two per 100,000 trials: what is done for each of them in it is done by single statements.
 */
import Database from 'better-sqlite3';
import type { Failure, Trial, TrialSettings, TrialState } from '../../core/domain.js';
import { SweepError } from '../../core/errors.js';
import type { JournalEvent } from '../../core/events.js';
import { isQueuedAgain, type SubmissionPart } from '../../core/sweep/submission.js';
import { type ComparedTrial, sweepChanged, sweepDifference } from '../../core/sweep/sweep-difference.js';
import type { Submitted } from '../journal.js';
import { digestOf, encodeEvent, stableJson } from '../json.js';
import { misplacedPart, namedTwice, submittedEvents } from '../submitted-events.js';
import { SETTINGS } from './rows.js';

const STANDINGS_PAGE = 2_000;

/** Above it the indexes, whose keys are in no order, outgrow the usual cache, and each trial would read and write pages. */
const LARGE = 200_000;
/** KiB, while such a sweep is written: 20 seconds for a million trials instead of 34 (2026-11, 2 cores). */
const LARGE_CACHE = -64_000;

/** The text of a new trial's event before and after the trial's id. */
const [BEFORE_ID = '', AFTER_ID = ''] = encodeEvent({ kind: 'queued', trialId: 'ID' }).split('"ID"');

type Record = (event: JournalEvent, atUnixMs: number) => JournalEvent;

export class SubmissionWriter {
  readonly #db: Database.Database;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #record: Record;

  constructor(db: Database.Database, record: Record) {
    db.exec(ASKED);
    this.#db = db;
    this.#sql = prepare(db);
    this.#record = record;
  }

  submit(part: SubmissionPart, atUnixMs: number): Submitted | null {
    const { sweep } = part;
    withRoom(sweep, () => this.#put(part));
    if (!part.last) return null;
    const former = this.#sql.current.get(sweep) as number | undefined;
    if (former !== undefined && !part.extend) this.#mustBeSame(sweep, former);
    const size = part.first + part.trials.length;
    const submitted = this.#withCacheFor(size, () => this.#accept(part, former ?? null, atUnixMs));
    this.#forget(sweep);
    return submitted;
  }

  #withCacheFor<T>(trials: number, write: () => T): T {
    if (trials < LARGE) return write();
    const usual = this.#db.pragma('cache_size', { simple: true });
    this.#db.pragma(`cache_size = ${LARGE_CACHE}`);
    try {
      return write();
    } finally {
      this.#db.pragma(`cache_size = ${usual}`);
    }
  }

  /** Beside the journal, until the sweep is complete. */
  #put({ sweep, first, trials }: SubmissionPart): void {
    if (first === 0) this.#forget(sweep);
    const size = this.#sql.askedSize.get(sweep) as number;
    if (size !== first) throw misplacedPart(sweep, first, size);
    // They share a few sources and ways to be run, which come anew with each of them.
    const sources = byText((source: Trial['model'] | Trial['dataset']) => this.#putSource(sweep, source));
    const runs = byText(stableJson);
    for (const [offset, { trialId, settings, model, dataset, run }] of trials.entries()) {
      const row = {
        sweep,
        position: first + offset,
        trialId,
        settings: stableJson(settings),
        model: sources(model),
        dataset: sources(dataset),
        run: runs(run),
        seed: settings.seed,
      };
      if (this.#sql.ask.run(row).changes === 0) throw namedTwice(sweep, trialId);
    }
  }

  /** Gives its digest. */
  #putSource(sweep: string, source: Trial['model'] | Trial['dataset']): string {
    const body = stableJson(source);
    const digest = digestOf(body);
    this.#sql.askSource.run(sweep, digest, body);
    return digest;
  }

  #forget(sweep: string): void {
    // Without a condition SQLite gives the pages back unread, ten times as fast.
    const isAlone = this.#sql.isAskedBeside.get({ sweep }) === undefined;
    if (isAlone) this.#sql.forgetAllAsked.run();
    else this.#sql.forgetAsked.run(sweep);
    this.#sql.forgetAskedSources.run(sweep);
  }

  #mustBeSame(sweep: string, former: number): void {
    const { asked, had, shared } = this.#sql.compare.get({ sweep, former }) as {
      readonly asked: number;
      readonly had: number;
      readonly shared: number;
    };
    if (asked === shared && had === shared) return;
    const difference = sweepDifference(
      compared(this.#sql.members.iterate(former) as Iterable<ComparedRow>),
      compared(this.#sql.asked.iterate(sweep) as Iterable<ComparedRow>),
    );
    if (difference !== null) throw sweepChanged(sweep, difference);
  }

  #accept(part: SubmissionPart, former: number | null, atUnixMs: number): Submitted {
    const { sweep } = part;
    const events: JournalEvent[] = [];
    const trialIds: string[] = [];
    const tally = new Map<TrialState, number>();
    this.#sql.recordNew.run({ sweep, at: atUnixMs, before: BEFORE_ID, after: AFTER_ID });
    for (const { trial_id: trialId, state, failure } of this.#standings(sweep)) {
      trialIds.push(trialId);
      const isAgain =
        state !== null && isQueuedAgain({ state, failure: JSON.parse(failure ?? 'null') as Failure | null }, part);
      const standing = state === null || isAgain ? 'queued' : state;
      tally.set(standing, (tally.get(standing) ?? 0) + 1);
      if (!isAgain) continue;
      this.#sql.queueAgain.run({ trialId, at: atUnixMs });
      events.push(this.#record({ kind: 'queued', trialId }, atUnixMs));
    }
    this.#sql.addSources.run(sweep);
    this.#sql.putTrials.run({ sweep, at: atUnixMs });
    const submission = this.#setMembers(part, former, atUnixMs);
    for (const event of submittedEvents(part, submission, trialIds)) this.#record(event, atUnixMs);
    // What an extended sweep had besides was not looked at.
    if (part.extend && former !== null) this.#sql.tally.run(submission);
    else for (const [state, trials] of tally) this.#sql.setTally.run(submission, state, trials);
    this.#sql.complete.run(submission);
    return { submission, ...this.#count(submission), events };
  }

  /** A page at a time: there may be a million. */
  *#standings(sweep: string): Generator<StandingRow> {
    for (let from = 0; ; from += STANDINGS_PAGE) {
      const rows = this.#sql.standings.all(sweep, from) as StandingRow[];
      yield* rows;
      if (rows.length < STANDINGS_PAGE) return;
    }
  }

  /** What the sweep had keeps its positions. */
  #setMembers({ sweep, extend, owner, options }: SubmissionPart, former: number | null, atUnixMs: number): number {
    const { priority, weight } = options;
    const [budget, place, compare] = [options.budget, options.place, options.compare].map(stableJson);
    const row = { sweep, at: atUnixMs, owner, priority, weight, budget, place, compare };
    const submission = this.#sql.start.get(row) as number;
    if (extend && former !== null) {
      this.#sql.keepMembers.run({ submission, former });
      this.#sql.joinMembers.run({ sweep, submission, former });
    } else this.#sql.addMembers.run({ sweep, submission });
    if (former !== null) this.#sql.drop.run(former);
    return submission;
  }

  #count(submission: number): { done: number; toRun: number; failed: number } {
    const rows = this.#sql.states.all(submission) as { state: TrialState; trials: number }[];
    const of = (...states: TrialState[]) =>
      rows.filter(({ state }) => states.includes(state)).reduce((sum, { trials }) => sum + trials, 0);
    return { done: of('succeeded'), toRun: of('queued', 'running'), failed: of('failed') };
  }
}

/** Asked once for each text that a value has as it comes: equal ones mostly come in the same order of keys. */
function byText<T extends object>(make: (value: T) => string): (value: T) => string {
  const made = new Map<string, string>();
  return (value) => {
    const text = JSON.stringify(value);
    let known = made.get(text);
    if (known === undefined) {
      known = make(value);
      made.set(text, known);
    }
    return known;
  };
}

interface ComparedRow {
  readonly trial_id: string;
  readonly settings: string;
}

interface StandingRow {
  readonly trial_id: string;
  /** `null`: nobody knows it so far. */
  readonly state: TrialState | null;
  readonly failure: string | null;
}

function* compared(rows: Iterable<ComparedRow>): Generator<ComparedTrial> {
  for (const { trial_id, settings } of rows) {
    yield { trialId: trial_id, settings: JSON.parse(settings) as TrialSettings };
  }
}

/** Temporary tables lie elsewhere than the journal: no room for them is no reason to distrust it. */
function withRoom(sweep: string, put: () => void): void {
  try {
    put();
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !/^SQLITE_(FULL|IOERR|CANTOPEN)/.test(error.code)) throw error;
    throw new SweepError('UNAVAILABLE', `the trials of "${sweep}" found no room: ${error.message}`, {
      hint: 'free space in the folder for temporary files, and submit it again',
      cause: error,
    });
  }
}

const ASKED = `
  CREATE TEMP TABLE IF NOT EXISTS asked (
    sweep TEXT NOT NULL,
    position INTEGER NOT NULL,
    trial_id TEXT NOT NULL,
    settings TEXT NOT NULL,
    model TEXT NOT NULL,
    dataset TEXT NOT NULL,
    run TEXT NOT NULL,
    seed INTEGER NOT NULL,
    PRIMARY KEY (sweep, position)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS temp.asked_once ON asked (sweep, trial_id);
  CREATE TEMP TABLE IF NOT EXISTS asked_sources (
    sweep TEXT NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (sweep, digest)
  ) STRICT, WITHOUT ROWID;
`;

function prepare(db: Database.Database) {
  return {
    isAskedBeside: db.prepare(
      `SELECT 1 WHERE EXISTS (SELECT 1 FROM asked WHERE sweep < @sweep) OR EXISTS (SELECT 1 FROM asked WHERE sweep > @sweep)`,
    ),
    forgetAllAsked: db.prepare('DELETE FROM asked'),
    forgetAsked: db.prepare('DELETE FROM asked WHERE sweep = ?'),
    forgetAskedSources: db.prepare('DELETE FROM asked_sources WHERE sweep = ?'),
    askedSize: db.prepare('SELECT coalesce(max(position) + 1, 0) FROM asked WHERE sweep = ?').pluck(),
    ask: db.prepare(
      `INSERT OR IGNORE INTO asked
       VALUES (@sweep, @position, @trialId, @settings, @model, @dataset, @run, @seed)`,
    ),
    askSource: db.prepare('INSERT OR IGNORE INTO asked_sources VALUES (?, ?, ?)'),
    asked: db.prepare('SELECT trial_id, settings FROM asked WHERE sweep = ? ORDER BY position'),
    current: db.prepare('SELECT submission FROM submissions WHERE sweep = ? AND complete = 1').pluck(),
    compare: db.prepare(
      `SELECT (SELECT count(*) FROM asked WHERE sweep = @sweep) AS asked,
       (SELECT count(*) FROM members WHERE submission = @former) AS had,
       (SELECT count(*) FROM members m JOIN asked a ON a.sweep = @sweep AND a.trial_id = m.trial_id
        WHERE m.submission = @former) AS shared`,
    ),
    members: db.prepare(
      `SELECT trial_id, ${SETTINGS} AS settings FROM members m JOIN trials t USING (trial_id)
       WHERE submission = ? ORDER BY position`,
    ),
    standings: db.prepare(
      `SELECT a.trial_id, t.state, t.failure FROM asked a LEFT JOIN trials t USING (trial_id)
       WHERE a.sweep = ? AND a.position >= ? ORDER BY a.position LIMIT ${STANDINGS_PAGE}`,
    ),
    recordNew: db.prepare(
      `INSERT INTO events (at, kind, trial_id, body)
       SELECT @at, 'queued', trial_id, @before || json_quote(trial_id) || @after FROM asked a
       WHERE sweep = @sweep AND NOT EXISTS (SELECT 1 FROM trials t WHERE t.trial_id = a.trial_id) ORDER BY position`,
    ),
    queueAgain: db.prepare(QUEUE_AGAIN),
    addSources: db.prepare('INSERT OR IGNORE INTO sources SELECT digest, body FROM asked_sources WHERE sweep = ?'),
    // Folders may differ from an earlier submission of the same trial: the newest are where files are. So may names, which
    // are each sweep's own.
    putTrials: db.prepare(
      `INSERT INTO trials (trial_id, settings, model, dataset, run, seed, state, queued_at)
       SELECT trial_id, settings, model, dataset, run, seed, 'queued', @at FROM asked
       WHERE sweep = @sweep ORDER BY position
       ON CONFLICT (trial_id) DO UPDATE SET model = excluded.model, dataset = excluded.dataset, run = excluded.run
       WHERE (model, dataset, run) IS NOT (excluded.model, excluded.dataset, excluded.run)`,
    ),
    start: db
      .prepare(
        `INSERT INTO submissions (sweep, submitted_at, complete, owner, priority, weight, budget, place, compare,
           declared_at)
         VALUES (@sweep, @at, 0, @owner, @priority, @weight, @budget, @place, @compare, coalesce((
           SELECT declared_at FROM submissions WHERE sweep = @sweep AND complete = 1 AND compare = @compare), @at))
         RETURNING submission`,
      )
      .pluck(),
    addMembers: db.prepare(
      `INSERT INTO members (submission, position, trial_id, settings)
       SELECT @submission, a.position, a.trial_id, nullif(a.settings, t.settings)
       FROM asked a JOIN trials t USING (trial_id) WHERE a.sweep = @sweep ORDER BY a.position`,
    ),
    keepMembers: db.prepare(
      `INSERT INTO members (submission, position, trial_id, settings)
       SELECT @submission, position, trial_id, settings FROM members WHERE submission = @former`,
    ),
    joinMembers: db.prepare(
      `INSERT INTO members (submission, position, trial_id, settings)
       SELECT @submission, (SELECT count(*) FROM members WHERE submission = @former)
         + row_number() OVER (ORDER BY a.position) - 1, a.trial_id, nullif(a.settings, t.settings)
       FROM asked a JOIN trials t USING (trial_id) WHERE a.sweep = @sweep
       AND NOT EXISTS (SELECT 1 FROM members m WHERE m.submission = @former AND m.trial_id = a.trial_id)`,
    ),
    drop: db.prepare('DELETE FROM submissions WHERE submission = ?'),
    complete: db.prepare(
      `UPDATE submissions SET complete = 1, active_since = (SELECT max(event_id) FROM events) WHERE submission = ?`,
    ),
    tally: db.prepare(
      `INSERT INTO tallies SELECT submission, state, count(*) FROM members JOIN trials USING (trial_id)
       WHERE submission = ? GROUP BY state`,
    ),
    setTally: db.prepare('INSERT INTO tallies VALUES (?, ?, ?)'),
    states: db.prepare('SELECT state, trials FROM tallies WHERE submission = ?'),
  };
}

/** Its budgets start anew; a result is in the events from then on. */
export const QUEUE_AGAIN = `UPDATE trials SET state = 'queued', infrastructure_failures = 0, lost_failures = 0,
  crashes = 0, result = NULL, queued_at = @at, started_at = NULL, ended_at = NULL WHERE trial_id = @trialId`;
