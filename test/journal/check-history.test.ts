import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { JournalEvent } from '../../orchestrator/core/events.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { checkHistory, describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { evaluationOf, failureOf, resultOf, trialIdOf } from '../support/trials.js';

const A = trialIdOf(1);
const leaseOf = (attempt: number, token: bigint, trialId = A) => ({ trialId, attempt, token });
const queued: JournalEvent = { kind: 'queued', trialId: A };
const begun = (attempt: number, token: bigint, trialId = A): JournalEvent => ({
  kind: 'begun',
  lease: leaseOf(attempt, token, trialId),
  workerId: 'w',
});
const succeeded = (attempt: number, token: bigint): JournalEvent => ({
  kind: 'succeeded',
  lease: leaseOf(attempt, token),
  result: resultOf(1),
});
const requeued = (attempt: number, token: bigint): JournalEvent => ({
  kind: 'requeued',
  lease: leaseOf(attempt, token),
  failure: failureOf('lost'),
  delayMs: 0,
});
const submitted = (submission: number, first = 0, trialIds = [A], last = true): JournalEvent => ({
  kind: 'submitted',
  sweep: 's',
  submission,
  first,
  trialIds,
  last,
  extend: false,
  owner: '',
  options: DEFAULT_SWEEP_OPTIONS,
});

const found = (events: readonly JournalEvent[]) =>
  checkHistory(events.map((event) => ({ atUnixMs: 0, event }))).map(describeFinding);

describe('a history of events', () => {
  it('is in order when attempts follow each other under growing tokens', () => {
    const all = [queued, submitted(1), begun(1, 1n), requeued(1, 1n), begun(2, 5n), succeeded(2, 5n)];
    assert.deepEqual(found(all), []);
    assert.deepEqual(found([...all, queued, begun(3, 6n), succeeded(3, 6n)]), [], 'queued again, it runs again');
  });

  const wrong: readonly (readonly [string, readonly JournalEvent[], RegExp])[] = [
    ['finishes a trial twice', [queued, begun(1, 1n), succeeded(1, 1n), succeeded(1, 1n)], /^I2: event 4: .*succeeded/],
    ['lends what is lent', [queued, begun(1, 1n), begun(2, 2n)], /^I2: event 3: .*was lent, but it was running/],
    [
      'lends what has ended',
      [queued, begun(1, 1n), succeeded(1, 1n), begun(2, 2n)],
      /^I4: event 4: .*it was succeeded/,
    ],
    [
      'gives an old token again',
      [queued, begun(1, 2n), requeued(1, 2n), begun(2, 2n)],
      /^I2: event 4: .*token 2 after 2/,
    ],
    ['skips an attempt', [queued, begun(2, 1n)], /^I2: event 2: .*began attempt 2 after attempt 0/],
    [
      'takes a result under an old token',
      [queued, begun(1, 1n), requeued(1, 1n), begun(2, 2n), succeeded(1, 1n)],
      /^I2: event 5/,
    ],
    ['queues what runs', [queued, begun(1, 1n), queued], /^I4: event 3: .*queued again while it is running/],
    ['knows no beginning', [begun(1, 1n)], /^I3: event 1: .*never queued/],
    ['has a trial in a sweep only', [submitted(1)], /^I3: event 1: .*nowhere else/],
    [
      'loses a part of a sweep',
      [queued, submitted(1, 0, [A], false), submitted(1, 2)],
      /^I1: event 3: .*begins at 2, but 1 came/,
    ],
    ['numbers a submission twice', [queued, submitted(1), submitted(1)], /^I4: event 3: submission 1/],
    [
      'cancels as waiting what runs',
      [queued, begun(1, 1n), { kind: 'cancelled', trialId: A, lease: null }],
      /^I4: event 3: .*cancelled as queued/,
    ],
    [
      'has a failure without a cause',
      [queued, begun(1, 1n), { kind: 'failed', lease: leaseOf(1, 1n), failure: { ...failureOf('user'), message: '' } }],
      /^I7: event 3/,
    ],
    ['pauses a sweep that never came', [{ kind: 'sweep', sweep: 's', state: 'paused', reason: '' }], /^I4: event 1/],
  ];
  for (const [what, events, message] of wrong) {
    it(`is told to be broken where it ${what}`, () => {
      const [first = ''] = found(events);
      assert.match(first, message);
    });
  }
});

describe('the check of a journal', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  beforeEach(() => {
    folder = temporaryFolder();
    const journal = openJournal(folder.path);
    journal.transaction(() => journal.submit(partOf('a', [1, 2, 3]), 1_000));
    const begin = (number: number) => journal.begin(trialIdOf(number), 'w', 2_000).lease;
    journal.transaction(() => {
      const lease = begin(1);
      journal.measure(lease, { training: [{ step: 10, loss: Number.NaN }], evaluations: [evaluationOf(10)] }, 3_000);
      journal.finish(lease, resultOf(0.5), 4_000);
      journal.requeue(begin(2), failureOf('lost'), 0, 5_000);
      begin(2);
    });
    journal.close();
  });

  afterEach(() => folder[Symbol.dispose]());

  const check = () => (checkDatabase(folder.path)?.findings ?? []).map(describeFinding);

  function damage(sql: string): void {
    const db = new Database(join(folder.path, 'journal.db'));
    db.pragma('foreign_keys = OFF');
    assert.ok(db.prepare(sql).run().changes > 0, 'the damage hit nothing');
    db.close();
  }

  it('finds nothing in a whole one, and counts what it has', () => {
    const whole = { sweeps: 1, trials: 3, events: 10, newestUnixMs: 2_000, findings: [], findingCount: 0 };
    assert.deepEqual(checkDatabase(folder.path), whole);
  });

  it('is asked beside a writer, and sees what was committed when it began', () => {
    const journal = openJournal(folder.path);
    journal.transaction(() => {
      journal.begin(trialIdOf(3), 'w', 6_000);
      assert.deepEqual(check(), []);
    });
    assert.deepEqual(check(), []);
    journal.close();
  });

  for (const dump of ['engine-1.sql', 'schema-2.sql', 'schema-3.sql']) {
    it(`finds nothing in one that an older dss wrote (${dump}), once it is up to date`, () => {
      using old = temporaryFolder();
      const db = new Database(join(old.path, 'journal.db'));
      db.exec(readFileSync(new URL(dump, import.meta.url), 'utf8'));
      db.close();
      openJournal(old.path).close();
      const { trials = 0, findings = [] } = checkDatabase(old.path) ?? {};
      assert.ok(trials > 0);
      assert.deepEqual(findings.map(describeFinding), []);
    });
  }

  const damages: readonly (readonly [string, string, RegExp])[] = [
    ['a state', "UPDATE trials SET state = 'queued' WHERE state = 'running'", /^I3: trial 0+2: state is "queued"/],
    [
      'a result',
      "UPDATE trials SET result = replace(result, '0.5', '0.9') WHERE state = 'succeeded'",
      /^I1: trial 0+1: result/,
    ],
    ['a token', "UPDATE trials SET token = token + 1 WHERE state = 'running'", /^I2: trial 0+2: token/],
    [
      'a stored checkpoint',
      `UPDATE trials SET checkpoint = '{"files":[],"path":"x","step":1}' WHERE state = 'running'`,
      /^I1: trial 0+2: stored checkpoint/,
    ],
    ['a loss', 'UPDATE training_points SET loss = 1.5', /^I5: trial 0+1: training/],
    ['an evaluation', 'UPDATE evaluations SET accuracy = 1', /^I5: trial 0+1: evaluations/],
    ['an event that is gone', "DELETE FROM events WHERE kind = 'succeeded'", /^I1: events \d+ to \d+ are missing/],
    [
      'a trial that is gone',
      `DELETE FROM trials WHERE trial_id = '${trialIdOf(3)}'`,
      /^I1: trial 0+3 has events, but no row/,
    ],
    ['a sweep that is paused by nobody', "UPDATE submissions SET state = 'paused'", /^I1: sweep "a" is .*paused/],
    ['a member that is gone', 'DELETE FROM members WHERE position = 1', /^I1: sweep "a" of 3 trials: at position 1/],
  ];
  for (const [what, sql, message] of damages) {
    it(`finds ${what}`, () => {
      damage(sql);
      assert.ok(
        check().some((each) => message.test(each)),
        check().join('\n'),
      );
    });
  }
});
