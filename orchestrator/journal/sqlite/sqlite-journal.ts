/** The durable journal: SQLite, one connection, one writer. */
import type { Database } from 'better-sqlite3';
import type { Failure, LeaseRef, TrialResult } from '../../core/domain.js';
import { attemptBegun, type JournalEvent, trialOf } from '../../core/events.js';
import { leaseToken } from '../../core/lease-token.js';
import { isCrash } from '../../core/schedule/retry.js';
import type { TrialStanding } from '../../core/schedule/snapshot.js';
import type { StoredFile } from '../../core/stored-file.js';
import type { SubmissionPart } from '../../core/sweep/submission.js';
import type { SweepState } from '../../core/sweep/sweep-options.js';
import type {
  Journal,
  RecordedEvent,
  Submitted,
  SweepPlace,
  SweepSpending,
  TrialMeasurements,
  Written,
} from '../journal.js';
import { decodeEvent, encodeEvent, encodeResult, stableJson } from '../json.js';
import { type AskedOf, type RunningNow, SpendingCount } from '../spending.js';
import { guarded, journalPath, mustBeWhole, openForWriting, openWhileChecking } from './open-database.js';
import { markClosed } from './open-marker.js';
import {
  SharedParts,
  STANDING_COLUMNS,
  type StandingValues,
  type SubmissionRow,
  standingOf,
  storedNumber,
  sweepStandingOf,
  TOKEN,
  type TrialRow,
} from './rows.js';
import { SqliteReader } from './sqlite-reader.js';
import { QUEUE_AGAIN, SubmissionWriter } from './submission-writer.js';

/** Throws SweepError STATE_INVALID for a file that is damaged, foreign or newer. */
export function openJournal(home: string): Journal {
  return new SqliteJournal(openForWriting(home), journalPath(home));
}

/**
 * Opens it at once, for reading; `whole` tells when it may be written, or that it is damaged. What is read meanwhile is
 * not to be acted on.
 */
export function openJournalWhileChecking(home: string): Journal {
  const { db, verdict } = openWhileChecking(home);
  const path = journalPath(home);
  return guarded(path, () => {
    try {
      return new SqliteJournal(db, path, verdict);
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

const EVENTS_PAGE = 1_000;
const STANDINGS_PAGE = 2_000;

class SqliteJournal extends SqliteReader implements Journal {
  readonly #submissions: SubmissionWriter;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #shared = new SharedParts();
  readonly #whole: Promise<void> | undefined;
  #isWhole: boolean;

  constructor(db: Database, path: string, verdict?: Promise<string>) {
    super(db, path);
    this.#whole = verdict?.then((said) => {
      mustBeWhole(said, path);
      db.pragma('query_only = OFF');
      this.#isWhole = true;
    });
    this.#whole?.catch(() => {}); // for whoever asks
    this.#isWhole = verdict === undefined;
    this.#sql = prepare(db);
    this.#submissions = new SubmissionWriter(db, (event, atUnixMs) => this.#record(event, atUnixMs));
    if (verdict !== undefined) db.pragma('query_only = ON'); // what is temporary is made by now
  }

  override close(): void {
    markClosed(this.db.name);
    super.close();
  }

  async whole(): Promise<void> {
    await this.#whole;
  }

  transaction<T>(write: () => T): T {
    if (!this.#isWhole) throw new Error('the journal is not known to be whole yet');
    return this.db.transaction(write).immediate();
  }

  submit(part: SubmissionPart, atUnixMs: number): Submitted | null {
    this.#mustBeInTransaction();
    return this.#submissions.submit(part, atUnixMs);
  }

  begin(
    trialId: string,
    workerId: string,
    atUnixMs: number,
    chance = 0,
    machines: number | null = null,
  ): JournalEvent & { readonly kind: 'begun' } {
    this.#mustBeInTransaction();
    const row = this.#sql.held.get(trialId) as HeldRow | undefined;
    if (row?.state !== 'queued') throw new Error(`trial ${trialId} is ${row?.state ?? 'unknown'}, not queued`);
    const token = leaseToken(BigInt(this.#sql.nextToken.get() as number), chance);
    const attempt = row.attempts + 1;
    this.#sql.begin.run({ trialId, attempt, token, workerId, machines, at: atUnixMs });
    return this.#record(attemptBegun({ trialId, attempt, token }, workerId, machines), atUnixMs);
  }

  finish(lease: LeaseRef, result: TrialResult, atUnixMs: number): Written {
    const text = encodeResult(result);
    return this.#settle(
      lease,
      (row) => row.state === 'succeeded' && row.result === text,
      () => {
        this.#sql.succeed.run({ trialId: lease.trialId, result: text, at: atUnixMs });
        return this.#record({ kind: 'succeeded', lease, result }, atUnixMs);
      },
    );
  }

  fail(lease: LeaseRef, failure: Failure, atUnixMs: number): Written {
    const text = stableJson(failure);
    return this.#settle(
      lease,
      (row) => row.failure === text && (row.state === 'failed' || row.state === 'queued'),
      () => {
        this.#sql.fail.run({ trialId: lease.trialId, failure: text, at: atUnixMs });
        return this.#record({ kind: 'failed', lease, failure }, atUnixMs);
      },
    );
  }

  requeue(lease: LeaseRef, failure: Failure | null, delayMs: number, atUnixMs: number): Written {
    const text = failure === null ? null : stableJson(failure);
    return this.#settle(
      lease,
      (row) => text !== null && row.failure === text && (row.state === 'failed' || row.state === 'queued'),
      () => {
        this.#sql.requeue.run({
          trialId: lease.trialId,
          failure: text,
          infrastructure: failure?.kind === 'infrastructure' ? 1 : 0,
          lost: failure?.kind === 'lost' ? 1 : 0,
          crashes: failure !== null && isCrash(failure) ? 1 : 0,
          at: atUnixMs,
        });
        return this.#record({ kind: 'requeued', lease, failure, delayMs }, atUnixMs);
      },
    );
  }

  queueAgain(trialId: string, atUnixMs: number): Written {
    this.#mustBeInTransaction();
    const state = this.row(trialId)?.state;
    if (state === 'queued') return { outcome: 'duplicate' };
    if (state === undefined || state === 'running') return { outcome: 'stale' };
    this.#sql.queueAgain.run({ trialId, at: atUnixMs });
    return { outcome: 'accepted', event: this.#record({ kind: 'queued', trialId }, atUnixMs) };
  }

  setSweepState(sweep: string, state: SweepState, reason: string, atUnixMs: number): JournalEvent {
    this.#mustBeInTransaction();
    const event = this.#record({ kind: 'sweep', sweep, state, reason }, atUnixMs);
    const { changes } = this.#sql.setSweepState.run({ sweep, state, reason });
    if (changes === 0) throw new Error(`there is no sweep "${sweep}"`);
    return event;
  }

  cancel(trialId: string, atUnixMs: number): Written {
    this.#mustBeInTransaction();
    const row = this.row(trialId);
    if (row === undefined) return { outcome: 'stale' };
    if (row.state === 'cancelled') return { outcome: 'duplicate' };
    if (row.state !== 'queued' && row.state !== 'running') return { outcome: 'stale' };
    this.#sql.cancel.run({ trialId, at: atUnixMs });
    const lease = row.state === 'queued' ? null : { trialId, attempt: row.attempts, token: BigInt(row.token) };
    return { outcome: 'accepted', event: this.#record({ kind: 'cancelled', trialId, lease }, atUnixMs) };
  }

  measure(lease: LeaseRef, { training, evaluations }: TrialMeasurements, atUnixMs: number): Written {
    const { trialId, attempt } = lease;
    return this.#settle(
      lease,
      () => true,
      () => {
        for (const { step, loss } of training) {
          this.#sql.addPoint.run({ trialId, attempt, step, loss: storedNumber(loss) });
        }
        for (const { loss, accuracy, ...rest } of evaluations) {
          const numbers = { loss: storedNumber(loss), accuracy: storedNumber(accuracy) };
          this.#sql.addEvaluation.run({ trialId, attempt, ...rest, ...numbers });
        }
        return this.#record({ kind: 'measured', lease, training, evaluations }, atUnixMs);
      },
    );
  }

  checkpoint(
    lease: LeaseRef,
    step: number,
    path: string,
    atUnixMs: number,
    files: readonly StoredFile[] = [],
  ): Written {
    return this.#settle(
      lease,
      () => true,
      () => {
        const checkpoint = stableJson({ step, path, files });
        if (files.length > 0) this.#sql.setCheckpoint.run({ trialId: lease.trialId, checkpoint });
        return this.#record({ kind: 'checkpointed', lease, step, path, files }, atUnixMs);
      },
    );
  }

  *standings(sweep: string): IterableIterator<TrialStanding> {
    const submission = this.submission(sweep)?.submission;
    if (submission === undefined) return;
    for (let from = 0; ; from += STANDINGS_PAGE) {
      const rows = this.#sql.standings.all(submission, from) as StandingValues[];
      for (const row of rows) yield standingOf(row, this.#shared);
      if (rows.length < STANDINGS_PAGE) return;
    }
  }

  running(): readonly TrialStanding[] {
    return (this.#sql.running.all() as StandingValues[]).map((row) => standingOf(row, this.#shared));
  }

  place(sweep: string): SweepPlace | null {
    const row = this.submission(sweep);
    return row === undefined ? null : placeOf(row);
  }

  unfinished(): readonly SweepPlace[] {
    return (this.#sql.unfinished.all() as SubmissionRow[]).map(placeOf);
  }

  windingDown(): readonly SweepPlace[] {
    return (this.#sql.windingDown.all() as SubmissionRow[]).map(placeOf);
  }

  wantedElsewhere(sweep: string): ReadonlySet<string> {
    const submission = this.submission(sweep)?.submission ?? 0;
    return new Set(this.#sql.wantedElsewhere.all({ submission }) as string[]);
  }

  spending(sweep: string): SweepSpending {
    const row = this.submission(sweep);
    const [submission, since] = [row?.submission ?? 0, row?.active_since ?? 0];
    // The statement below leaves out the trials of others.
    const sinceUnixMs = (this.#sql.eventTime.get(since) as number | undefined) ?? 0;
    const askedOf = remembered((trialId) => this.#sql.askedOf.get(trialId) as ReturnType<AskedOf>);
    const count = new SpendingCount({ has: () => true }, askedOf, sinceUnixMs);
    for (let after = since; ; ) {
      const events = this.#sql.attemptEvents.all(after, submission) as EventRow[];
      for (const { at, body } of events) count.add({ atUnixMs: at, event: decodeEvent(body) });
      if (events.length < EVENTS_PAGE) break;
      after = events.at(-1)?.event_id ?? after;
    }
    return count.sum(this.#sql.runningOf.raw().all(submission) as RunningNow[]);
  }

  *events(): IterableIterator<RecordedEvent> {
    let after = 0;
    for (;;) {
      const rows = this.#sql.events.all(after) as EventRow[];
      for (const { at, body } of rows) yield { atUnixMs: at, event: decodeEvent(body) };
      if (rows.length < EVENTS_PAGE) return;
      after = rows.at(-1)?.event_id ?? after;
    }
  }

  /** The lease check, in the transaction of the write that it guards. */
  #settle(lease: LeaseRef, isRepeat: (row: TrialRow) => boolean, write: () => JournalEvent): Written {
    this.#mustBeInTransaction();
    const held = this.#sql.held.get(lease.trialId) as HeldRow | undefined;
    if (held === undefined || BigInt(held.token) !== lease.token || held.attempts !== lease.attempt) {
      return { outcome: 'stale' };
    }
    if (held.state === 'running') return { outcome: 'accepted', event: write() };
    const row = this.row(lease.trialId);
    return { outcome: row !== undefined && isRepeat(row) ? 'duplicate' : 'stale' };
  }

  #record<E extends JournalEvent>(event: E, atUnixMs: number): E {
    const body = encodeEvent(event);
    this.#sql.addEvent.run({ at: atUnixMs, kind: event.kind, trialId: trialOf(event), body });
    return event;
  }

  #mustBeInTransaction(): void {
    if (!this.db.inTransaction) throw new Error('the journal is written within a transaction only');
  }
}

/** What every report is checked against: the rest of a row is long, and seldom needed. */
type HeldRow = Pick<TrialRow, 'state' | 'attempts' | 'token'>;

interface EventRow {
  readonly event_id: number;
  readonly at: number;
  readonly body: string;
}

function remembered(ask: AskedOf): AskedOf {
  const known = new Map<string, ReturnType<AskedOf>>();
  return (trialId) => {
    const answer = known.get(trialId) ?? ask(trialId);
    known.set(trialId, answer);
    return answer;
  };
}

function placeOf(row: SubmissionRow): SweepPlace {
  return { sweep: row.sweep, submission: row.submission, standing: sweepStandingOf(row) };
}

function prepare(db: Database) {
  return {
    nextToken: db.prepare("UPDATE counters SET value = value + 1 WHERE name = 'token' RETURNING value").pluck(),
    held: db.prepare(`SELECT state, attempts, ${TOKEN} FROM trials WHERE trial_id = ?`),
    begin: db.prepare(
      `UPDATE trials SET state = 'running', attempts = @attempt, token = @token, worker_id = @workerId,
       machines = @machines, started_at = @at WHERE trial_id = @trialId`,
    ),
    succeed: db.prepare(
      `UPDATE trials SET state = 'succeeded', result = @result, failure = NULL, ended_at = @at, checkpoint = NULL
       WHERE trial_id = @trialId`,
    ),
    fail: db.prepare(
      "UPDATE trials SET state = 'failed', failure = @failure, ended_at = @at WHERE trial_id = @trialId",
    ),
    requeue: db.prepare(
      `UPDATE trials SET state = 'queued', failure = coalesce(@failure, failure), queued_at = @at,
       infrastructure_failures = infrastructure_failures + @infrastructure,
       lost_failures = lost_failures + @lost, crashes = crashes + @crashes WHERE trial_id = @trialId`,
    ),
    cancel: db.prepare(
      "UPDATE trials SET state = 'cancelled', ended_at = @at, checkpoint = NULL WHERE trial_id = @trialId",
    ),
    setCheckpoint: db.prepare('UPDATE trials SET checkpoint = @checkpoint WHERE trial_id = @trialId'),
    addPoint: db.prepare('INSERT OR IGNORE INTO training_points VALUES (@trialId, @attempt, @step, @loss)'),
    addEvaluation: db.prepare(
      `INSERT OR IGNORE INTO evaluations
       VALUES (@trialId, @attempt, @step, @split, @loss, @accuracy, @rows, @correct, @choiceAccuracy)`,
    ),
    addEvent: db.prepare('INSERT INTO events (at, kind, trial_id, body) VALUES (@at, @kind, @trialId, @body)'),
    standings: db
      .prepare(
        `SELECT ${STANDING_COLUMNS} FROM members m JOIN trials t USING (trial_id)
         WHERE m.submission = ? AND m.position >= ? ORDER BY m.position LIMIT ${STANDINGS_PAGE}`,
      )
      .raw(),
    running: db.prepare(`SELECT ${STANDING_COLUMNS} FROM trials t WHERE state = 'running' ORDER BY trial_id`).raw(),
    runningOf: db.prepare(
      `SELECT trial_id, started_at, machines FROM trials t WHERE state = 'running'
       AND EXISTS (SELECT 1 FROM members m WHERE m.submission = ? AND m.trial_id = t.trial_id)`,
    ),
    unfinished: db.prepare(
      `SELECT * FROM submissions s WHERE complete = 1 AND state = 'active'
       AND EXISTS (SELECT 1 FROM tallies t
         WHERE t.submission = s.submission AND t.state IN ('queued', 'running') AND t.trials > 0)
       ORDER BY submission`,
    ),
    windingDown: db.prepare(
      `SELECT * FROM submissions s WHERE complete = 1 AND state = 'paused'
       AND EXISTS (SELECT 1 FROM tallies t
         WHERE t.submission = s.submission AND t.state = 'running' AND t.trials > 0)
       ORDER BY submission`,
    ),
    wantedElsewhere: db
      .prepare(
        `SELECT m.trial_id FROM members m JOIN trials t USING (trial_id)
         WHERE m.submission = @submission AND t.state IN ('queued', 'running')
         AND EXISTS (SELECT 1 FROM submissions s JOIN members o USING (submission)
           WHERE s.submission <> @submission AND s.complete = 1 AND s.state <> 'cancelled' AND o.trial_id = m.trial_id)`,
      )
      .pluck(),
    queueAgain: db.prepare(QUEUE_AGAIN),
    setSweepState: db.prepare(
      `UPDATE submissions SET state = @state, reason = @reason,
       active_since = iif(@state = 'active', (SELECT max(event_id) FROM events), active_since)
       WHERE sweep = @sweep AND complete = 1`,
    ),
    askedOf: db.prepare(
      "SELECT run ->> 'devices' AS devices, run ->> 'machines' AS machines FROM trials WHERE trial_id = ?",
    ),
    eventTime: db.prepare('SELECT at FROM events WHERE event_id = ?').pluck(),
    attemptEvents: db.prepare(
      `SELECT event_id, at, body FROM events e WHERE event_id > ?
       AND kind IN ('begun', 'requeued', 'succeeded', 'failed', 'cancelled')
       AND EXISTS (SELECT 1 FROM members m WHERE m.submission = ? AND m.trial_id = e.trial_id)
       ORDER BY event_id LIMIT ${EVENTS_PAGE}`,
    ),
    events: db.prepare(
      `SELECT event_id, at, body FROM events WHERE event_id > ? ORDER BY event_id LIMIT ${EVENTS_PAGE}`,
    ),
  };
}
