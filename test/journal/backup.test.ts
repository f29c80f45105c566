import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Journal } from '../../orchestrator/journal/journal.js';
import { backupJournal, restoreJournal } from '../../orchestrator/journal/sqlite/backup.js';
import { listBackups } from '../../orchestrator/journal/sqlite/backups.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';
import { trialIdOf } from '../support/trials.js';

const NOW = Date.UTC(2026, 10, 25, 12);

describe('a backup', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;

  beforeEach(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
  });

  afterEach(() => folder[Symbol.dispose]());

  const submit = (journal: Journal, sweep: string, numbers: readonly number[]) =>
    journal.transaction(() => journal.submit(partOf(sweep, numbers), 1));

  const fill = (sweep: string, numbers: readonly number[]) => {
    const journal = openJournal(home);
    submit(journal, sweep, numbers);
    journal.close();
  };

  const sweeps = () => {
    const reader = openJournalReader(home);
    const names = (reader?.sweeps() ?? []).map(({ sweep }) => sweep).sort();
    reader?.close();
    return names;
  };

  it('has what was committed when it was made, also while the journal is written', () => {
    const journal = openJournal(home);
    submit(journal, 'a', [1]);
    const { path } = journal.transaction(() => {
      journal.begin(trialIdOf(1), 'w', 2);
      return backupJournal(home, null, NOW);
    });
    assert.equal(path, join(home, 'backups', '2026-11-25T12-00-00-000Z.db'));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    submit(journal, 'b', [2]);
    journal.close();
    assert.deepEqual(sweeps(), ['a', 'b']);
    restoreJournal(home, path, NOW);
    assert.deepEqual(sweeps(), ['a']);
    const again = openJournal(home);
    assert.equal(again.trial(trialIdOf(1))?.state, 'queued');
    assert.deepEqual(
      [...again.events()].map(({ event }) => event.kind),
      ['queued', 'submitted'],
    );
    again.close();
  });

  it('moves aside what it takes the place of, and loses nothing of it', () => {
    fill('a', [1]);
    const { path } = backupJournal(home, join(folder.path, 'mine.db'), NOW);
    const journal = openJournal(home);
    submit(journal, 'b', [2]);
    // Not closed: as a killed one, it leaves its -wal behind.
    const moved = restoreJournal(home, path, NOW);
    const aside = join(home, 'journal-2026-11-25T12-00-00-000Z.db');
    assert.deepEqual(
      moved,
      ['', '-wal', '-shm', '.open'].map((ending) => `${aside}${ending}`),
    );
    assert.deepEqual(sweeps(), ['a']);
    const old = new Database(aside);
    assert.deepEqual(old.prepare('SELECT sweep FROM submissions ORDER BY sweep').pluck().all(), ['a', 'b']);
    old.close();
    assert.ok(existsSync(path), 'the copy stays');
    journal.close();
  });

  it('overwrites nothing, and leaves no half of one', () => {
    fill('a', [1]);
    const path = join(folder.path, 'mine.db');
    writeFileSync(path, 'precious');
    assert.throws(() => backupJournal(home, path, NOW), { code: 'USAGE', message: /mine\.db exists/ });
    assert.equal(readFileSync(path, 'utf8'), 'precious');
    assert.deepEqual(readdirSync(folder.path).sort(), ['home', 'mine.db']);
  });

  it('makes room: of its own folder the newest five stay', () => {
    fill('a', [1]);
    for (let hour = 0; hour < 6; hour += 1) backupJournal(home, null, NOW + hour * 3_600_000);
    const { removed } = backupJournal(home, null, NOW + 6 * 3_600_000);
    assert.deepEqual(
      removed.map((path) => path.slice(-'T13-00-00-000Z.db'.length)),
      ['T13-00-00-000Z.db'],
    );
    assert.equal(listBackups(home).length, 5);
  });

  it('is not made of nothing', () => {
    assert.throws(() => backupJournal(home, null, NOW), { code: 'USAGE', message: /there is no journal/ });
  });

  it('is refused, with the journal left as it is, when it is damaged or none', () => {
    fill('a', [1]);
    const { path } = backupJournal(home, null, NOW);
    truncateSync(path, statSync(path).size / 2);
    assert.throws(() => restoreJournal(home, path, NOW), { code: 'STATE_INVALID', message: /damaged|cannot be read/ });
    writeFileSync(join(folder.path, 'text'), 'no database');
    assert.throws(() => restoreJournal(home, join(folder.path, 'text'), NOW), { code: 'STATE_INVALID' });
    assert.throws(() => restoreJournal(home, join(folder.path, 'gone'), NOW), { code: 'USAGE', hint: /backups: / });
    assert.deepEqual(sweeps(), ['a']);
  });

  it('half put back is no new journal: the next start says so', () => {
    fill('a', [1]);
    const { path } = backupJournal(home, null, NOW);
    // As a crash leaves it between the two renames.
    rmSync(join(home, 'journal.db'));
    rmSync(join(home, 'journal.db-wal'), { force: true });
    writeFileSync(join(home, 'journal.db.restored'), readFileSync(path));
    assert.throws(() => openJournal(home), { code: 'STATE_INVALID', message: /a restore was not finished/ });
    restoreJournal(home, path, NOW);
    assert.deepEqual(sweeps(), ['a']);
    openJournal(home).close();
  });

  it('is what a damaged journal names as the way out', () => {
    fill('a', [1]);
    const { path } = backupJournal(home, null, NOW);
    truncateSync(join(home, 'journal.db'), 4_096);
    const expected = { code: 'STATE_INVALID', hint: new RegExp(`dss backup --restore ${path} --home ${home}`) };
    assert.throws(() => openJournal(home), expected);
  });
});

describe('a journal whose -wal was lost', () => {
  it('is refused, since what was written last would be missing, by writers and readers', () => {
    using folder = temporaryFolder();
    const copy = join(folder.path, 'copy');
    const journal = openJournal(join(folder.path, 'home'));
    journal.transaction(() => journal.submit(partOf('a', [1]), 1));
    // What a kill leaves behind, but for the -wal.
    for (const name of ['journal.db', 'journal.db.open']) {
      const bytes = readFileSync(join(folder.path, 'home', name));
      if (!existsSync(copy)) openJournal(copy).close();
      writeFileSync(join(copy, name), bytes);
    }
    for (const ending of ['-wal', '-shm']) rmSync(join(copy, `journal.db${ending}`), { force: true });
    for (const open of [openJournal, openJournalReader]) {
      assert.throws(() => open(copy), {
        code: 'STATE_INVALID',
        message: /has lost its -wal/,
        hint: /journal\.db\.open/,
      });
    }
    journal.close();
    assert.equal(existsSync(join(folder.path, 'home', 'journal.db.open')), false, 'a proper end leaves no mark');
  });
});
