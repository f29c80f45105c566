/**
 * The check of a whole journal.db, beside a control plane or alone, in memory that does not grow with its events. What a
 * trial's settings say is in no event and has no checksum of its own, so that a damage to those may pass.
 */
import Database from 'better-sqlite3';
import type { JournalEvent } from '../../core/events.js';
import type { TrialStanding } from '../../core/schedule/trial-standing.js';
import { type Finding, HistoryCheck } from '../check-history.js';
import { checkMembers, checkSweep, checkTrial, missingRow, rowFinding } from '../check-rows.js';
import { FoldedState } from '../fold.js';
import type { RecordedEvent } from '../journal.js';
import { decodeEvent, digestOf, stableJson } from '../json.js';
import { journalPath, openForReading } from './open-database.js';
import { checkpointOf, TOKEN, type TrialRow } from './rows.js';
import { migrate } from './schema.js';
import { SqliteReader } from './sqlite-reader.js';

export interface DatabaseCheck {
  readonly sweeps: number;
  readonly trials: number;
  readonly events: number;
  /** When the newest event was written; `null`: there is none. */
  readonly newestUnixMs: number | null;
  /** The first ones. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
}

const PAGE = 1_000;
const FINDINGS_KEPT = 100;

/** `null` when there is no journal yet. Throws SweepError STATE_INVALID for one that cannot be read. */
export function checkDatabase(home: string): DatabaseCheck | null {
  const db = openForReading(home);
  if (db === null) return null;
  const path = journalPath(home);
  const reader = new HistoryReader(db, path);
  try {
    return reader.check();
  } finally {
    reader.close();
  }
}

interface EventRow {
  readonly event_id: number;
  readonly at: number;
  readonly body: string;
}

class HistoryReader extends SqliteReader {
  #findings: Finding[] = [];
  #findingCount = 0;

  check(): DatabaseCheck {
    // One look at everything: a writer goes on meanwhile, unseen.
    this.db.exec('BEGIN');
    const seen = { sweeps: 0, trials: 0, events: 0, newestUnixMs: null };
    const verdict = String(this.#read('the file', () => this.db.pragma('integrity_check(1)', { simple: true })));
    if (verdict === 'ok')
      Object.assign(
        seen,
        this.#read('the file', () => this.#checkAll()),
      );
    else this.#find([rowFinding('I1', `the file is damaged: ${verdict}`)]);
    return { ...seen, findings: this.#findings, findingCount: this.#findingCount };
  }

  #checkAll(): Omit<DatabaseCheck, 'findings' | 'findingCount'> {
    if (schemaOf(this.db) !== freshSchema()) this.#find([rowFinding('I1', 'its tables are not those of this version')]);
    for (const { table, parent } of this.db.pragma('foreign_key_check') as { table: string; parent: string }[]) {
      this.#find([rowFinding('I1', `a row of ${table} names one of ${parent} that is not there`)]);
    }
    const { folded, events, newestUnixMs } = this.#checkLog();
    this.#checkSources();
    this.#checkSweeps(folded);
    return { sweeps: folded.sweeps.size, trials: this.#checkTrials(), events, newestUnixMs };
  }

  /** What cannot be read is a finding like another; `null` in its place. */
  #read<T>(what: string, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      this.#find([rowFinding('I1', `${what} cannot be read: ${(error as Error).message}`)]);
      return null;
    }
  }

  #checkSources(): void {
    const sources = this.db.prepare('SELECT digest, body FROM sources').all() as { digest: string; body: string }[];
    for (const { digest, body } of sources) {
      const isWhole = this.#read(`source ${digest}`, () => [body, asFirstWritten(body)].map(digestOf).includes(digest));
      if (isWhole === false) this.#find([rowFinding('I1', `source ${digest} is not what its digest says`)]);
    }
  }

  /** Gives what the events say of sweeps, and nothing of trials: those are looked at one by one. */
  #checkLog(): { folded: FoldedState; events: number; newestUnixMs: number | null } {
    const check = new HistoryCheck();
    const folded = new FoldedState();
    const page = this.db.prepare('SELECT event_id, at, body FROM events WHERE event_id > ? ORDER BY event_id LIMIT ?');
    let [last, events] = [0, 0];
    let newestUnixMs: number | null = null;
    for (;;) {
      const rows = page.all(last, PAGE) as EventRow[];
      for (const { event_id, at, body } of rows) {
        if (event_id !== last + 1) this.#find([rowFinding('I1', `events ${last + 1} to ${event_id - 1} are missing`)]);
        last = event_id;
        events += 1;
        newestUnixMs = at;
        this.#read(`event ${event_id}`, () => {
          const recorded = { atUnixMs: at, event: decodeEvent(body) };
          check.add(recorded, event_id);
          if (isAboutSweep(recorded.event)) folded.apply(recorded);
        });
        this.#find(check.findings.splice(0));
      }
      if (rows.length < PAGE) return { folded, events, newestUnixMs };
    }
  }

  #checkSweeps(folded: FoldedState): void {
    for (const [sweep, { trialIds }] of folded.sweeps) {
      const rows = this.db
        .prepare(
          `SELECT m.trial_id FROM submissions s JOIN members m USING (submission)
           WHERE s.sweep = ? AND s.complete = 1 ORDER BY m.position`,
        )
        .pluck()
        .all(sweep) as string[];
      this.#find(checkMembers(sweep, trialIds, rows));
    }
    for (const record of this.sweeps()) this.#find(checkSweep(record, folded.sweeps.get(record.sweep)));
    const wrong = this.db.prepare(WRONG_TALLIES).all() as {
      sweep: string;
      state: string;
      kept: number;
      real: number;
    }[];
    this.#find(
      wrong.map(({ sweep, state, kept, real }) =>
        rowFinding('I1', `sweep "${sweep}" counts ${kept} ${state}, has ${real}`),
      ),
    );
    const unknown = [...folded.sweeps.keys()].filter((sweep) => this.sweep(sweep) === null);
    this.#find(unknown.map((sweep) => rowFinding('I1', `sweep "${sweep}" has events, but no row`)));
  }

  #checkTrials(): number {
    const page = this.db.prepare(`SELECT *, ${TOKEN} FROM trials WHERE trial_id > ? ORDER BY trial_id LIMIT ?`);
    const eventsOf = this.db.prepare('SELECT at, body FROM events WHERE trial_id = ? ORDER BY event_id');
    let trials = 0;
    for (let after = ''; ; ) {
      const rows = page.all(after, PAGE) as TrialRow[];
      for (const row of rows) {
        after = row.trial_id;
        trials += 1;
        this.#read(`trial ${after}`, () => this.#checkTrial(row, eventsOf.all(row.trial_id) as EventRow[]));
      }
      if (rows.length < PAGE) break;
    }
    const orphans = this.db.prepare(
      `SELECT DISTINCT trial_id FROM events e WHERE trial_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM trials t WHERE t.trial_id = e.trial_id)`,
    );
    this.#find((orphans.pluck().all() as string[]).map(missingRow));
    return trials;
  }

  #checkTrial(row: TrialRow, events: readonly EventRow[]): void {
    const trialId = row.trial_id;
    const record = this.trial(trialId);
    if (record === null) return;
    const folded = FoldedState.of(events.map(recordedOf)).trials.get(trialId);
    const measured = this.measurements(trialId);
    this.#find(
      checkTrial(trialId, folded, { record, standing: leaseFactsOf(row), checkpoint: checkpointOf(row), measured }),
    );
    const { seed } = record.trial.settings;
    if (row.seed !== seed)
      this.#find([rowFinding('I1', `trial ${trialId} is filed under seed ${row.seed}, not ${seed}`)]);
  }

  #find(findings: readonly Finding[]): void {
    this.#findingCount += findings.length;
    const room = FINDINGS_KEPT - this.#findings.length;
    if (room > 0) this.#findings.push(...findings.slice(0, room));
  }
}

const WRONG_TALLIES = `
  WITH counted AS (
    SELECT submission, t.state, count(*) AS trials FROM members JOIN trials t USING (trial_id) GROUP BY 1, 2
  ), both AS (
    SELECT submission, state, coalesce(k.trials, 0) AS kept, coalesce(c.trials, 0) AS real
    FROM tallies k FULL JOIN counted c USING (submission, state)
  )
  SELECT s.sweep, b.state, kept, real FROM both b JOIN submissions s USING (submission) WHERE kept <> real`;

/** The second version of the schema gave datasets a list of choices, and left their digests as they were. */
function asFirstWritten(body: string): string {
  const { choices, ...source } = JSON.parse(body) as Readonly<Record<string, unknown>>;
  return Array.isArray(choices) && choices.length === 0 ? stableJson(source) : body;
}

function schemaOf(db: Database.Database): string {
  return stableJson(db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all());
}

function freshSchema(): string {
  const db = new Database(':memory:');
  try {
    migrate(db);
    return schemaOf(db);
  } finally {
    db.close();
  }
}

function leaseFactsOf(row: TrialRow): Pick<TrialStanding, 'token' | 'workerId' | 'machines' | 'spent'> {
  const { machines, infrastructure_failures: infrastructure, lost_failures: lost, crashes } = row;
  return { token: BigInt(row.token), workerId: row.worker_id, machines, spent: { infrastructure, lost, crashes } };
}

function recordedOf({ at, body }: EventRow): RecordedEvent {
  return { atUnixMs: at, event: decodeEvent(body) };
}

function isAboutSweep({ kind }: JournalEvent): boolean {
  return kind === 'submitted' || kind === 'sweep';
}
