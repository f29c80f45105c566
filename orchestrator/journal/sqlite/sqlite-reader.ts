/** Reading journal.db, beside a writer or alone. */
import type { Database, Statement } from 'better-sqlite3';
import type { TrialState } from '../../core/domain.js';
import type { PlacedSource } from '../../core/records.js';
import type { StoredCheckpoint } from '../../core/stored-file.js';
import { NO_TRIALS } from '../../core/watch-event.js';
import type { JournalReader, SweepRecord, TrialGlance, TrialMeasurements, TrialRecord } from '../journal.js';
import { guarded, journalPath, openForReading } from './open-database.js';
import {
  checkpointOf,
  type EvaluationRow,
  evaluationOf,
  GLANCE_COLUMNS,
  type GlanceValues,
  glanceOf,
  type PointRow,
  pointOf,
  recordOf,
  SETTINGS,
  SharedOfGlances,
  type SubmissionRow,
  sweepStandingOf,
  TOKEN,
  type TrialRow,
} from './rows.js';

/** Rows fetched at a time: no statement stays open while the caller asks something else. */
const PAGE = 500;

/** `null` when there is no journal yet. */
export function openJournalReader(home: string): JournalReader | null {
  const db = openForReading(home);
  return db === null ? null : new SqliteReader(db, journalPath(home));
}

export class SqliteReader implements JournalReader {
  protected readonly db: Database;
  readonly #path: string;
  readonly #sources = new Map<string, unknown>();

  constructor(db: Database, path: string) {
    this.db = db;
    this.#path = path;
  }

  sweeps(): readonly SweepRecord[] {
    return this.#all<SubmissionRow>('SELECT * FROM submissions WHERE complete = 1 ORDER BY submission DESC').map(
      (row) => this.#count(row),
    );
  }

  sweep(name: string): SweepRecord | null {
    const row = this.submission(name);
    return row === undefined ? null : this.#count(row);
  }

  *trials(sweep: string): IterableIterator<TrialRecord> {
    for (const row of this.#members<TrialRow>(sweep, `t.*, ${TOKEN}, ${SETTINGS} AS settings`))
      yield recordOf(row, this.#sourceOf);
  }

  *glances(sweep: string): IterableIterator<TrialGlance> {
    const shared = new SharedOfGlances();
    for (const values of this.#members<GlanceValues>(sweep, GLANCE_COLUMNS, true)) yield glanceOf(values, shared);
  }

  *#members<Row>(sweep: string, columns: string, asArrays = false): IterableIterator<Row> {
    const submission = this.submission(sweep)?.submission;
    if (submission === undefined) return;
    const sql = `SELECT ${columns} FROM members m JOIN trials t USING (trial_id)
      WHERE m.submission = ? AND m.position >= ? ORDER BY m.position LIMIT ${PAGE}`;
    for (let from = 0; ; from += PAGE) {
      const rows = this.#rows<Row>(sql, asArrays, submission, from);
      yield* rows;
      if (rows.length < PAGE) return;
    }
  }

  trial(trialId: string): TrialRecord | null {
    const row = this.row(trialId);
    return row === undefined ? null : recordOf(row, this.#sourceOf);
  }

  trialIds(prefix: string, limit: number): readonly string[] {
    return this.#all<{ trial_id: string }>(
      'SELECT trial_id FROM trials WHERE trial_id >= ? AND trial_id < ? ORDER BY trial_id LIMIT ?',
      prefix,
      `${prefix}~`, // after every hex digit
      limit,
    ).map(({ trial_id }) => trial_id);
  }

  succeeded(trialIds: readonly string[]): ReadonlySet<string> {
    const rows = this.#all<{ trial_id: string }>(
      `SELECT trial_id FROM trials WHERE state = 'succeeded' AND trial_id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(trialIds),
    );
    return new Set(rows.map(({ trial_id }) => trial_id));
  }

  measurements(trialId: string): TrialMeasurements {
    const attempt = this.row(trialId)?.attempts ?? 0;
    return {
      training: this.#all<PointRow>(
        'SELECT step, loss FROM training_points WHERE trial_id = ? AND attempt = ? ORDER BY step',
        trialId,
        attempt,
      ).map(pointOf),
      evaluations: this.#all<EvaluationRow>(
        `SELECT step, split, loss, accuracy, row_count, correct, choice_accuracy FROM evaluations
         WHERE trial_id = ? AND attempt = ? ORDER BY step, split DESC`,
        trialId,
        attempt,
      ).map(evaluationOf),
    };
  }

  storedCheckpoint(trialId: string): StoredCheckpoint | null {
    const [row] = this.#all<Pick<TrialRow, 'checkpoint'>>('SELECT checkpoint FROM trials WHERE trial_id = ?', trialId);
    return row === undefined ? null : checkpointOf(row);
  }

  sources(after: number): readonly PlacedSource[] {
    const rows = this.#all<{ place: number; digest: string }>(
      'SELECT rowid AS place, digest FROM sources WHERE rowid > ? ORDER BY rowid',
      after,
    );
    return rows.map(({ place, digest }) => ({ place, source: this.#sourceOf(digest) as PlacedSource['source'] }));
  }

  close(): void {
    this.db.close();
  }

  protected row(trialId: string): TrialRow | undefined {
    return this.#all<TrialRow>(`SELECT *, ${TOKEN} FROM trials WHERE trial_id = ?`, trialId)[0];
  }

  protected submission(sweep: string): SubmissionRow | undefined {
    return this.#all<SubmissionRow>('SELECT * FROM submissions WHERE sweep = ? AND complete = 1', sweep)[0];
  }

  #count(row: SubmissionRow): SweepRecord {
    const { submission, sweep, submitted_at } = row;
    const counts: Record<TrialState, number> = { ...NO_TRIALS };
    let total = 0;
    const rows = this.#all<{ state: TrialState; trials: number }>(
      'SELECT state, trials FROM tallies WHERE submission = ?',
      submission,
    );
    for (const { state, trials } of rows) {
      counts[state] = trials;
      total += trials;
    }
    return { sweep, submittedAtUnixMs: submitted_at, counts, total, standing: sweepStandingOf(row) };
  }

  readonly #sourceOf = (digest: string): unknown => {
    let source = this.#sources.get(digest);
    if (source === undefined) {
      const [row] = this.#all<{ body: string }>('SELECT body FROM sources WHERE digest = ?', digest);
      source = JSON.parse(row?.body ?? 'null');
      this.#sources.set(digest, source);
    }
    return source;
  };

  readonly #statements = new Map<string, Statement<unknown[]>>();

  #all<Row>(sql: string, ...values: unknown[]): Row[] {
    return this.#rows<Row>(sql, false, ...values);
  }

  #rows<Row>(sql: string, asArrays: boolean, ...values: unknown[]): Row[] {
    return guarded(this.#path, () => {
      let statement = this.#statements.get(sql);
      if (statement === undefined) {
        statement = this.db.prepare<unknown[]>(sql).raw(asArrays);
        this.#statements.set(sql, statement);
      }
      return statement.all(...values) as Row[];
    });
  }
}
