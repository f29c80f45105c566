import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { checkJournal } from '../../orchestrator/journal/check-rows.js';
import { FoldedState } from '../../orchestrator/journal/fold.js';
import { withoutBits } from '../../orchestrator/journal/json.js';
import { isOutdated } from '../../orchestrator/journal/sqlite/open-database.js';
import { openJournal, openJournalWhileChecking } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { PLAIN_RUN } from '../support/records.js';
import { evaluationOf, resultOf, trialIdOf, trialOf, trialsOf } from '../support/trials.js';
import { assertEventsGiveRows, describeJournal } from './journal-contract.js';

describeJournal('in SQLite', () => {
  const folder = temporaryFolder();
  const journal = openJournal(folder.path);
  return {
    journal,
    [Symbol.dispose]: () => {
      journal.close();
      folder[Symbol.dispose]();
    },
  };
});

/** A journal with 50 trials, closed. */
function filled(home: string): string {
  const journal = openJournal(home);
  journal.transaction(() => journal.submit(partOf('a', [], { trials: trialsOf(50) }), 1));
  journal.close();
  return join(home, 'journal.db');
}

describe('the file of a journal', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(() => folder[Symbol.dispose]());

  it('is synced at every commit, in WAL mode, for its owner only', () => {
    const journal = openJournal(folder.path);
    const path = join(folder.path, 'journal.db');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const db = (journal as unknown as { readonly db: Database.Database }).db;
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(db.pragma('synchronous', { simple: true }), 2);
    assert.equal(db.pragma('foreign_keys', { simple: true }), 1);
    journal.close();
  });

  it('keeps everything when it is closed and opened again', () => {
    filled(folder.path);
    const journal = openJournal(folder.path);
    assert.equal(journal.sweep('a')?.total, 50);
    const lease = journal.transaction(() => journal.begin(trialIdOf(1), 'w', 2)).lease;
    journal.close();
    const again = openJournal(folder.path);
    assert.deepEqual(
      again.running().map(({ token }) => token),
      [lease.token],
    );
    again.transaction(() => again.requeue(lease, null, 0, 3));
    assert.ok(again.transaction(() => again.begin(trialIdOf(1), 'w', 4)).lease.token > lease.token);
    again.close();
  });

  it('holds a source that many trials share once', () => {
    const db = new Database(filled(folder.path), { readonly: true });
    assert.equal(db.prepare('SELECT count(*) FROM sources').pluck().get(), 2);
    db.close();
  });

  it('may be read while it is written', () => {
    assert.equal(openJournalReader(folder.path), null);
    filled(folder.path);
    const journal = openJournal(folder.path);
    const reader = openJournalReader(folder.path);
    const lease = journal.transaction(() => journal.begin(trialIdOf(1), 'w', 2)).lease;
    assert.equal(reader?.trial(trialIdOf(1))?.state, 'running');
    journal.transaction(() => {
      journal.finish(lease, resultOf(1), 3);
      assert.equal(reader?.trial(trialIdOf(1))?.state, 'running', 'what is not committed is not there');
    });
    assert.equal(reader?.trial(trialIdOf(1))?.state, 'succeeded');
    reader?.close();
    journal.close();
  });

  it('is refused, with words, when a folder has its name', () => {
    mkdirSync(join(folder.path, 'journal.db'));
    for (const open of [openJournal, openJournalReader]) {
      assert.throws(() => open(folder.path), { code: 'STATE_INVALID', message: /journal\.db is no file/ });
    }
  });

  const damages: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ['cut in half', (path) => truncateSync(path, statSync(path).size / 2), /is damaged|cannot be read/],
    ['cut to nothing', (path) => truncateSync(path, 0), /is empty: it was cut off/],
    ['overwritten in the middle', overwriteMiddle, /is damaged|cannot be read/],
    ['text', (path) => writeFileSync(path, 'not a database, but long enough to look at'.repeat(50)), /cannot be read/],
    ["somebody else's database", makeForeign, /is not a journal of dss/],
    ['of a newer version', (path) => setVersion(path, 99), /newer dss \(schema 99/],
  ];
  for (const [what, damage, message] of damages) {
    it(`is refused when it is ${what}, and left as it is`, () => {
      const path = filled(folder.path);
      damage(path);
      const before = readFileSync(path);
      assert.throws(
        () => openJournal(folder.path),
        (error: Error & { code?: string; hint?: string }) => {
          assert.equal(error.code, 'STATE_INVALID');
          assert.match(error.message, message);
          assert.ok(error.message.includes(path));
          assert.notEqual(error.hint, '');
          return true;
        },
      );
      assert.deepEqual(readFileSync(path), before);
    });

    it(`is refused when it is ${what}, and left as it is, by whoever reads while it is checked`, async () => {
      const path = filled(folder.path);
      damage(path);
      const before = readFileSync(path);
      const refused = { code: 'STATE_INVALID', message };
      const open = async () => {
        const journal = openJournalWhileChecking(folder.path);
        try {
          await journal.whole();
        } finally {
          assert.throws(() => journal.transaction(() => {}), /not known to be whole/);
          journal.close();
        }
      };
      await assert.rejects(open(), refused);
      assert.deepEqual(readFileSync(path), before);
      await assert.rejects(open(), refused, 'and again');
    });
  }

  it('may be read while it is checked, and written when it is known to be whole', async () => {
    filled(folder.path);
    const journal = openJournalWhileChecking(folder.path);
    assert.equal([...journal.standings('a')].length, 50);
    const begin = () => journal.transaction(() => journal.begin(trialIdOf(1), 'w', 2));
    assert.throws(begin, /not known to be whole yet/);
    await journal.whole();
    assert.equal(begin().lease.attempt, 1);
    journal.close();
  });

  it('is checked and brought up to date before anybody reads it, where an older dss wrote it', async () => {
    load('schema-3.sql', folder.path);
    const journal = openJournalWhileChecking(folder.path);
    assert.equal(isOutdated(folder.path), false);
    await journal.whole();
    journal.transaction(() => journal.submit(partOf('b', [1]), 1));
    journal.close();
  });

  it('is not made anew beside the -wal of one that is gone', () => {
    writeFileSync(join(folder.path, 'journal.db-wal'), 'rest');
    assert.throws(() => openJournal(folder.path), { code: 'STATE_INVALID', message: /is gone/ });
  });

  it('is refused by a reader too when it is not ours', () => {
    makeForeign(filled(folder.path));
    assert.throws(() => openJournalReader(folder.path), { code: 'STATE_INVALID' });
  });
});

describe('a journal of the first version of dss', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  beforeEach(() => {
    folder = temporaryFolder();
    load('engine-1.sql', folder.path);
  });

  afterEach(() => folder[Symbol.dispose]());

  const NOT_MEASURED = {
    choiceAccuracy: null,
    resumedStep: 0,
    usefulTokensPerSecond: 0,
    paddedTokensPerSecond: 0,
    mfuUseful: 0,
    mfuPadded: 0,
    peakFlops: 0,
    peakFlopsSource: '',
    peakMemoryBytes: 0,
    predictedMemoryBytes: 0,
  };

  it('is refused by a reader until a writer has opened it', () => {
    assert.equal(isOutdated(folder.path), true);
    assert.throws(() => openJournalReader(folder.path), { code: 'STATE_INVALID', message: /written by an older dss/ });
    openJournal(folder.path).close();
    assert.equal(isOutdated(folder.path), false);
    openJournalReader(folder.path)?.close();
  });

  it('is read whole: what that version did not know is there as what it did', () => {
    const journal = openJournal(folder.path);
    const done = journal.trial(trialIdOf(1));
    assert.deepEqual(done?.trial, {
      ...trialOf(1, { model_type: 'task_prefix', llm: 'palm', alpha: 0.5 }),
      run: { ...PLAIN_RUN, checkpointSteps: 7 },
    });
    assert.deepEqual(done?.result, { ...resultOf(0.75), ...NOT_MEASURED });
    assert.deepEqual(journal.trial(trialIdOf(3))?.trial, trialOf(3));
    assert.deepEqual(journal.measurements(trialIdOf(1)), {
      training: [
        { step: 10, loss: Number.NaN },
        { step: 20, loss: 1.5 },
      ],
      evaluations: [evaluationOf(20), evaluationOf(20, 'test')],
    });
    journal.close();
  });

  it('still has the events that lead to its rows', () => {
    const journal = openJournal(folder.path);
    const folded = FoldedState.of(journal.events()).trials.get(trialIdOf(1));
    const { training, evaluations } = journal.measurements(trialIdOf(1));
    assert.deepEqual(folded?.result, journal.trial(trialIdOf(1))?.result);
    assert.deepEqual(folded?.measured.get(1), { training, evaluations: evaluations.map(withoutBits) });
    assertEventsGiveRows(journal);
    journal.close();
  });

  it('is gone on with', () => {
    const journal = openJournal(folder.path);
    const part = partOf('old', [1, 2, 3], { retryFailed: true });
    assert.equal(journal.transaction(() => journal.submit(part, 7_000))?.toRun, 2);
    const { lease } = journal.transaction(() => journal.begin(trialIdOf(3), 'w', 8_000));
    const evaluations = [{ ...evaluationOf(10), choiceAccuracy: 0.25 }];
    journal.transaction(() => journal.measure(lease, { training: [], evaluations }, 9_000));
    assert.deepEqual(journal.measurements(trialIdOf(3)).evaluations, evaluations);
    journal.close();
  });
});

describe('a journal of the second schema', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  beforeEach(() => {
    folder = temporaryFolder();
    load('schema-2.sql', folder.path);
  });

  afterEach(() => folder[Symbol.dispose]());

  it('has the options that a sweep has when nothing is said, and pauses what was left unfinished', () => {
    const journal = openJournal(folder.path);
    const reason = 'an older dss left it unfinished; submit or resume it';
    // They were submitted once, and declared nothing then.
    const plain = (name: string) => ({
      owner: '',
      options: DEFAULT_SWEEP_OPTIONS,
      declaredAtUnixMs: journal.sweep(name)?.submittedAtUnixMs,
    });
    assert.deepEqual(journal.sweep('done')?.standing, { state: 'active', reason: '', ...plain('done') });
    assert.deepEqual(journal.sweep('half')?.standing, { state: 'paused', reason, ...plain('half') });
    assert.equal(journal.sweep('parts'), null);
    journal.close();
  });

  it('knows the seed of each trial, and the attempts that ended with their process', () => {
    const journal = openJournal(folder.path);
    assert.deepEqual(
      [...journal.standings('half')].map(({ seed, spent }) => [seed, spent.lost, spent.crashes]),
      [
        [1, 0, 0],
        [2, 1, 1],
        [3, 0, 0],
      ],
    );
    journal.close();
  });

  it('still has the events that lead to its rows, and is gone on with', () => {
    const journal = openJournal(folder.path);
    assertEventsGiveRows(journal);
    assert.equal(journal.transaction(() => journal.submit(partOf('half', [1, 2, 3]), 20_000))?.toRun, 2);
    journal.transaction(() => journal.submit(partOf('parts', [4]), 21_000));
    assertEventsGiveRows(journal);
    journal.close();
  });
});

describe('a journal of the third schema', () => {
  it('has no checkpoint in a store, still has the events that lead to its rows, and is gone on with', () => {
    using folder = temporaryFolder();
    load('schema-3.sql', folder.path);
    const journal = openJournal(folder.path);
    assert.deepEqual(checkJournal(journal), []);
    const checkpoints = [...journal.events()].flatMap(({ event }) => (event.kind === 'checkpointed' ? [event] : []));
    assert.deepEqual(
      checkpoints.map(({ step, files }) => [step, files]),
      [
        [50, []],
        [100, []],
        [50, []],
      ],
    );
    assert.equal(journal.storedCheckpoint(trialIdOf(2)), null);
    const { lease } = journal.transaction(() => journal.begin(trialIdOf(2), 'w', 20_000));
    const files = [{ path: 'state.json', sha256: 'c'.repeat(64), sizeBytes: 1 }];
    journal.transaction(() => journal.checkpoint(lease, 80, 'step-80', 21_000, files));
    assert.deepEqual(journal.storedCheckpoint(trialIdOf(2)), { step: 80, path: 'step-80', files });
    assert.deepEqual(checkJournal(journal), []);
    journal.close();
  });
});

/** A dump becomes the journal of a state folder. */
function load(dump: string, home: string): void {
  const db = new Database(join(home, 'journal.db'));
  db.exec(readFileSync(new URL(dump, import.meta.url), 'utf8'));
  db.close();
}

function overwriteMiddle(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill(0xab, Math.floor(bytes.length / 4), Math.floor((bytes.length * 3) / 4));
  writeFileSync(path, bytes);
}

function makeForeign(path: string): void {
  const db = new Database(path);
  db.pragma('application_id = 1');
  db.close();
}

function setVersion(path: string, version: number): void {
  const db = new Database(path);
  db.pragma(`user_version = ${version}`);
  db.close();
}
