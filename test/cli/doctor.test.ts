import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { checkCertificates } from '../../orchestrator/cli/upkeep/doctor-certificates.js';
import { checkJournalOf } from '../../orchestrator/cli/upkeep/doctor-journal.js';
import { checkNode } from '../../orchestrator/cli/upkeep/doctor-machine.js';
import { checkStateFolder } from '../../orchestrator/cli/upkeep/doctor-state.js';
import { acquireStateLock } from '../../orchestrator/control/state-lock.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { partOf } from '../support/parts.js';

describe('dss doctor', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;

  beforeEach(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
    const journal = openJournal(home);
    journal.transaction(() => journal.submit(partOf('a', [1, 2]), 1_000));
    journal.close();
  });

  afterEach(() => folder[Symbol.dispose]());

  const doctor = (...words: string[]) => runDss(['doctor', '--home', home, ...words]);
  const state = (name: string) => checkStateFolder(home).find((each) => each.name === name);

  it('says of each thing that it looked at how it is, and ends with 0 when nothing is wrong', async () => {
    const { code, stdout, stderr } = await doctor();
    assert.equal(code, 0, stdout + stderr);
    for (const name of ['permissions', 'disk', 'file system', 'holder', 'logs', 'backups', 'clock', 'node', 'grpc']) {
      assert.match(stdout, new RegExp(`^(ok|warning) +${name} `, 'm'));
    }
    assert.match(stdout, /^ok +journal +whole; 1 sweep, 2 trials, 3 events$/m);
    assert.match(stdout, /^ok +packages +torch [\d.]+.*, transformers [\d.]+, grpcio [\d.]+$/m);
    assert.match(stdout, /^no problem found$/m);
  });

  it('names for a damaged journal the command that mends it, which does', async () => {
    const backup = await runDss(['backup', '--home', home, '--json']);
    assert.equal(backup.code, 0, backup.stderr);
    const { file } = JSON.parse(backup.stdout) as { readonly file: string };
    truncateSync(join(home, 'journal.db'), 8_192);
    const before = readFileSync(join(home, 'journal.db'));
    const { code, stdout } = await doctor('--json');
    assert.equal(code, 1);
    const { problems, checks } = JSON.parse(stdout) as {
      readonly problems: number;
      readonly checks: readonly { readonly name: string; readonly verdict: string; readonly repair: string }[];
    };
    assert.equal(problems, 1);
    const repair = checks.find(({ verdict }) => verdict === 'problem')?.repair ?? '';
    const command = /`dss ([^`]+)`/.exec(repair)?.[1] ?? '';
    assert.equal(command, `backup --restore ${file} --home ${home}`);
    assert.deepEqual(readFileSync(join(home, 'journal.db')), before, 'looking changed something');
    const restored = await runDss(command.split(' '));
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(restored.stderr, /what was there is .*journal-.*\.db/);
    assert.equal((await doctor()).code, 0);
    assert.equal(readdirSync(home).filter((name) => /^journal-.*\.db$/.test(name)).length, 1);
  });

  it('reads the whole history: a row that is not what its events lead to is a problem', () => {
    const db = new Database(join(home, 'journal.db'));
    db.exec("UPDATE trials SET state = 'cancelled' WHERE rowid = 1");
    db.close();
    const [journal] = checkJournalOf(home, Date.now());
    assert.equal(journal?.verdict, 'problem');
    assert.match(journal?.what ?? '', /1 finding in 1 sweep, 2 trials, 3 events: I3: trial 0+1: state is "cancelled"/);
    assert.match(journal?.repair ?? '', /dss backup --home/);
  });

  it('warns of a clock that is before what the journal has seen', () => {
    const [, clock] = checkJournalOf(home, -100_000);
    assert.equal(clock?.verdict, 'warning');
  });

  it('finds what others may read, and says how to shut it', () => {
    chmodSync(join(home, 'journal.db'), 0o644);
    const check = state('permissions');
    assert.deepEqual([check?.verdict, check?.repair], ['problem', `chmod 600 ${join(home, 'journal.db')}`]);
    chmodSync(join(home, 'journal.db'), 0o600);
    chmodSync(home, 0o755);
    assert.deepEqual([state('permissions')?.verdict, state('permissions')?.repair], ['warning', `chmod 700 ${home}`]);
  });

  it('tells who holds the folder, and what a killed one left', () => {
    assert.equal(state('holder')?.what, 'nobody');
    const lock = acquireStateLock(home);
    lock.announce({ address: '127.0.0.1:4242', clientToken: 'secret', serves: false }, 0);
    assert.equal(state('holder')?.what, `pid ${process.pid} at 127.0.0.1:4242`);
    const left = readFileSync(join(home, 'control.json'));
    lock.release();
    writeFileSync(join(home, 'control.json'), left, { mode: 0o600 });
    assert.equal(state('holder')?.verdict, 'warning');
    assert.match(state('holder')?.what ?? '', /left from pid \d+/);
    assert.ok(existsSync(join(home, 'control.json')), 'it was removed');
    assert.ok(!JSON.stringify(checkStateFolder(home)).includes('secret'));
  });

  it('says what is no folder where one should be', () => {
    writeFileSync(join(home, 'logs'), '');
    assert.deepEqual([state('logs')?.verdict, state('logs')?.repair], ['problem', `mv ${home}/logs ${home}/logs.old`]);
  });

  it('says of a folder that is not there that a sweep makes it, and makes none', async () => {
    const absent = join(folder.path, 'absent');
    const { code, stdout } = await runDss(['doctor', '--home', absent]);
    assert.equal(code, 0);
    assert.match(stdout, /absent; the first sweep makes it/);
    assert.equal(statSync(absent, { throwIfNoEntry: false }), undefined);
  });

  it('says of a certificate that it cannot read which file that is', () => {
    const auth = join(folder.path, 'auth');
    mkdirSync(auth);
    writeFileSync(join(auth, 'server.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    writeFileSync(join(auth, 'key.pem'), '-----BEGIN PRIVATE KEY-----\n');
    const [check, ...rest] = checkCertificates(auth, Date.now());
    assert.deepEqual(rest, []);
    assert.equal(check?.verdict, 'problem');
    assert.match(check?.what ?? '', /server\.pem cannot be read/);
    assert.deepEqual(checkCertificates(join(folder.path, 'none'), 0), []);
  });

  for (const [version, verdict] of [
    ['20.18.1', 'problem'],
    ['20.19.0', 'ok'],
    ['21.7.0', 'problem'],
    ['22.11.0', 'problem'],
    ['22.12.0', 'ok'],
    ['24.0.0', 'ok'],
  ] as const) {
    it(`takes Node ${version} for ${verdict === 'ok' ? 'enough' : 'too old'}`, () => {
      assert.equal(checkNode(version).verdict, verdict);
    });
  }
});

describe('dss backup', () => {
  it('is not put back while somebody holds the folder, nor written twice', async () => {
    using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    openJournal(home).close();
    const file = join(folder.path, 'copy.db');
    assert.equal((await runDss(['backup', file, '--home', home])).code, 0);
    const twice = await runDss(['backup', file, '--home', home]);
    assert.equal(twice.code, 2);
    assert.match(twice.stderr, /copy\.db exists/);
    const lock = acquireStateLock(home);
    const held = await runDss(['backup', '--restore', file, '--home', home]);
    lock.release();
    assert.equal(held.code, 75, held.stderr);
    assert.equal((await runDss(['backup', file, '--restore', file, '--home', home])).code, 2);
  });
});
