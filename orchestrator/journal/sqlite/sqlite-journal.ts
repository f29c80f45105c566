/** The durable journal: SQLite, one connection, one writer. */
import type { Database } from 'better-sqlite3';
import type { Failure, LeaseRef, TrialResult } from '../../core/domain.js';
import { type JournalEvent, trialOf } from '../../core/events.js';
import type { TrialStanding } from '../../core/snapshot.js';
import type { SubmissionPart } from '../../core/submission.js';
import type { Journal, RecordedEvent, Submitted, TrialMeasurements, Written } from '../journal.js';
import { decodeEvent, encodeEvent, encodeResult, stableJson } from '../json.js';
import { journalPath, openForWriting } from './open-database.js';
import { STANDING_COLUMNS, type StandingRow, standingOf, storedNumber, type TrialRow } from './rows.js';
import { SqliteReader } from './sqlite-reader.js';
import { SubmissionWriter } from './submission-writer.js';

/** Throws SweepError STATE_INVALID for a file that is damaged, foreign or newer. */
export function openJournal(home: string): Journal {
  return new SqliteJournal(openForWriting(home), journalPath(home));
}

const EVENTS_PAGE = 1_000;

class SqliteJournal extends SqliteReader implements Journal {
  readonly #submissions: SubmissionWriter;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: Database, path: string) {
    super(db, path);
    this.#sql = prepare(db);
    this.#submissions = new SubmissionWriter(db, (event, atUnixMs) => this.#record(event, atUnixMs));
  }

  transaction<T>(write: () => T): T {
    return this.db.transaction(write).immediate();
  }

  submit(part: SubmissionPart, atUnixMs: number): Submitted {
    this.#mustBeInTransaction();
    return this.#submissions.submit(part, atUnixMs);
  }

  begin(trialId: string, workerId: string, atUnixMs: number): JournalEvent & { readonly kind: 'begun' } {
    this.#mustBeInTransaction();
    const row = this.row(trialId);
    if (row?.state !== 'queued') throw new Error(`trial ${trialId} is ${row?.state ?? 'unknown'}, not queued`);
    const token = this.#sql.nextToken.get() as number;
    const attempt = row.attempts + 1;
    this.#sql.begin.run({ trialId, attempt, token, workerId, at: atUnixMs });
    return this.#record({ kind: 'begun', lease: { trialId, attempt, token: BigInt(token) }, workerId }, atUnixMs);
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
          at: atUnixMs,
        });
        return this.#record({ kind: 'requeued', lease, failure, delayMs }, atUnixMs);
      },
    );
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

  checkpoint(lease: LeaseRef, step: number, path: string, atUnixMs: number): Written {
    return this.#settle(
      lease,
      () => true,
      () => this.#record({ kind: 'checkpointed', lease, step, path }, atUnixMs),
    );
  }

  *standings(sweep: string): IterableIterator<TrialStanding> {
    for (const row of this.#sql.standings.all(sweep) as StandingRow[]) yield standingOf(row);
  }

  running(): readonly TrialStanding[] {
    return (this.#sql.running.all() as StandingRow[]).map(standingOf);
  }

  *events(): IterableIterator<RecordedEvent> {
    let after = 0;
    for (;;) {
      const rows = this.#sql.events.all(after) as { event_id: number; at: number; body: string }[];
      for (const { at, body } of rows) yield { atUnixMs: at, event: decodeEvent(body) };
      if (rows.length < EVENTS_PAGE) return;
      after = rows.at(-1)?.event_id ?? after;
    }
  }

  /** The lease check, in the transaction of the write that it guards. */
  #settle(lease: LeaseRef, isRepeat: (row: TrialRow) => boolean, write: () => JournalEvent): Written {
    this.#mustBeInTransaction();
    const row = this.row(lease.trialId);
    if (row === undefined || BigInt(row.token) !== lease.token || row.attempts !== lease.attempt) {
      return { outcome: 'stale' };
    }
    if (row.state !== 'running') return { outcome: isRepeat(row) ? 'duplicate' : 'stale' };
    return { outcome: 'accepted', event: write() };
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

function prepare(db: Database) {
  return {
    nextToken: db.prepare("UPDATE counters SET value = value + 1 WHERE name = 'token' RETURNING value").pluck(),
    begin: db.prepare(
      `UPDATE trials SET state = 'running', attempts = @attempt, token = @token, worker_id = @workerId,
       started_at = @at WHERE trial_id = @trialId`,
    ),
    succeed: db.prepare(
      `UPDATE trials SET state = 'succeeded', result = @result, failure = NULL, ended_at = @at
       WHERE trial_id = @trialId`,
    ),
    fail: db.prepare(
      "UPDATE trials SET state = 'failed', failure = @failure, ended_at = @at WHERE trial_id = @trialId",
    ),
    requeue: db.prepare(
      `UPDATE trials SET state = 'queued', failure = coalesce(@failure, failure), queued_at = @at,
       infrastructure_failures = infrastructure_failures + @infrastructure,
       lost_failures = lost_failures + @lost WHERE trial_id = @trialId`,
    ),
    cancel: db.prepare("UPDATE trials SET state = 'cancelled', ended_at = @at WHERE trial_id = @trialId"),
    addPoint: db.prepare('INSERT OR IGNORE INTO training_points VALUES (@trialId, @attempt, @step, @loss)'),
    addEvaluation: db.prepare(
      `INSERT OR IGNORE INTO evaluations
       VALUES (@trialId, @attempt, @step, @split, @loss, @accuracy, @rows, @correct, @choiceAccuracy)`,
    ),
    addEvent: db.prepare('INSERT INTO events (at, kind, trial_id, body) VALUES (@at, @kind, @trialId, @body)'),
    standings: db.prepare(
      `SELECT ${STANDING_COLUMNS} FROM submissions s JOIN members m USING (submission) JOIN trials t USING (trial_id)
       WHERE s.sweep = ? AND s.complete = 1 ORDER BY m.position`,
    ),
    running: db.prepare(`SELECT ${STANDING_COLUMNS} FROM trials WHERE state = 'running' ORDER BY trial_id`),
    events: db.prepare(
      `SELECT event_id, at, body FROM events WHERE event_id > ? ORDER BY event_id LIMIT ${EVENTS_PAGE}`,
    ),
  };
}
