/** Writes a sweep, which comes in parts: its trials, their sources, and their order. */
import type { Database } from 'better-sqlite3';
import type { Failure, Trial, TrialState } from '../../core/domain.js';
import { SweepError } from '../../core/errors.js';
import type { JournalEvent } from '../../core/events.js';
import { isRunAgainOnSubmit } from '../../core/retry.js';
import type { SubmissionPart } from '../../core/submission.js';
import type { Submitted } from '../journal.js';
import { digestOf, stableJson } from '../json.js';

type Record = (event: JournalEvent, atUnixMs: number) => JournalEvent;

export class SubmissionWriter {
  readonly #sql: ReturnType<typeof prepare>;
  readonly #record: Record;
  /** Digests by object: the trials of a sweep share a few sources. */
  readonly #digests = new WeakMap<object, string>();

  constructor(db: Database, record: Record) {
    this.#sql = prepare(db);
    this.#record = record;
  }

  submit(part: SubmissionPart, atUnixMs: number): Submitted {
    const { sweep, first, trials, last } = part;
    const submission = this.#continue(sweep, first, atUnixMs);
    const events: JournalEvent[] = [];
    for (const [offset, trial] of trials.entries()) {
      const event = this.#add(trial, part.retryFailed, atUnixMs);
      if (event !== null) events.push(event);
      if (this.#sql.addMember.run(submission, first + offset, trial.trialId).changes === 0) {
        throw new SweepError('USAGE', `sweep "${sweep}" names trial ${trial.trialId} twice`);
      }
    }
    const trialIds = trials.map(({ trialId }) => trialId);
    events.push(this.#record({ kind: 'submitted', sweep, submission, first, trialIds, last }, atUnixMs));
    if (last) {
      this.#sql.dropFormer.run(sweep);
      this.#sql.complete.run(atUnixMs, submission);
    }
    return { submission, ...this.#count(submission), events };
  }

  #continue(sweep: string, first: number, atUnixMs: number): number {
    if (first === 0) {
      this.#sql.dropIncomplete.run(sweep);
      return this.#sql.start.get(sweep, atUnixMs) as number;
    }
    const open = this.#sql.open.get(sweep) as { submission: number; size: number } | undefined;
    if (open === undefined || open.size !== first) {
      throw new SweepError('USAGE', `trials of "${sweep}" came from ${first} on, expected ${open?.size ?? 0}`, {
        hint: 'somebody else is submitting the same sweep; submit it again',
      });
    }
    return open.submission;
  }

  /** Where the trial is new, or to be run again: the event that says so. */
  #add(trial: Trial, retryFailed: boolean, atUnixMs: number): JournalEvent | null {
    const { trialId } = trial;
    const old = this.#sql.standing.get(trialId) as { state: TrialState; failure: string | null } | undefined;
    this.#sql.putTrial.run({
      trialId,
      settings: stableJson(trial.settings),
      model: this.#source(trial.model),
      dataset: this.#source(trial.dataset),
      run: stableJson(trial.run),
      at: atUnixMs,
    });
    if (old !== undefined && !isToQueue(old, retryFailed)) return null;
    if (old !== undefined) this.#sql.queueAgain.run({ trialId, at: atUnixMs });
    return this.#record({ kind: 'queued', trialId }, atUnixMs);
  }

  #source(source: object): string {
    let digest = this.#digests.get(source);
    if (digest === undefined) {
      const body = stableJson(source);
      digest = digestOf(body);
      this.#digests.set(source, digest);
    }
    // Not skipped for a known object: the transaction that stored it may have been rolled back.
    if (this.#sql.hasSource.get(digest) === undefined) this.#sql.addSource.run(digest, stableJson(source));
    return digest;
  }

  #count(submission: number): { done: number; toRun: number; failed: number } {
    const rows = this.#sql.states.all(submission) as { state: TrialState; trials: number }[];
    const of = (...states: TrialState[]) =>
      rows.filter(({ state }) => states.includes(state)).reduce((sum, { trials }) => sum + trials, 0);
    return { done: of('succeeded'), toRun: of('queued', 'running'), failed: of('failed') };
  }
}

function isToQueue({ state, failure }: { state: TrialState; failure: string | null }, retryFailed: boolean): boolean {
  if (state === 'cancelled') return true;
  return state === 'failed' && isRunAgainOnSubmit(JSON.parse(failure ?? 'null') as Failure | null, retryFailed);
}

function prepare(db: Database) {
  return {
    dropIncomplete: db.prepare('DELETE FROM submissions WHERE sweep = ? AND complete = 0'),
    dropFormer: db.prepare('DELETE FROM submissions WHERE sweep = ? AND complete = 1'),
    start: db
      .prepare('INSERT INTO submissions (sweep, submitted_at, complete) VALUES (?, ?, 0) RETURNING submission')
      .pluck(),
    open: db.prepare(
      `SELECT submission, (SELECT count(*) FROM members m WHERE m.submission = s.submission) AS size
       FROM submissions s WHERE sweep = ? AND complete = 0`,
    ),
    complete: db.prepare('UPDATE submissions SET complete = 1, submitted_at = ? WHERE submission = ?'),
    addMember: db.prepare('INSERT OR IGNORE INTO members VALUES (?, ?, ?)'),
    standing: db.prepare('SELECT state, failure FROM trials WHERE trial_id = ?'),
    // Names and folders may differ from an earlier submission of the same trial: the newest are where files are.
    putTrial: db.prepare(
      `INSERT INTO trials (trial_id, settings, model, dataset, run, state, queued_at)
       VALUES (@trialId, @settings, @model, @dataset, @run, 'queued', @at)
       ON CONFLICT (trial_id) DO UPDATE SET settings = excluded.settings, model = excluded.model,
       dataset = excluded.dataset, run = excluded.run`,
    ),
    queueAgain: db.prepare(
      `UPDATE trials SET state = 'queued', infrastructure_failures = 0, lost_failures = 0, queued_at = @at,
       started_at = NULL, ended_at = NULL WHERE trial_id = @trialId`,
    ),
    hasSource: db.prepare('SELECT 1 FROM sources WHERE digest = ?'),
    addSource: db.prepare('INSERT INTO sources VALUES (?, ?)'),
    states: db.prepare(
      `SELECT t.state, count(*) AS trials FROM members m JOIN trials t USING (trial_id)
       WHERE m.submission = ? GROUP BY t.state`,
    ),
  };
}
