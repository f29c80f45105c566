/** What a disk refuses ends a command in words, and costs nothing of what it has to say. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMAND, runDss, temporaryFolder } from '../support/dss.js';
import { ScriptedPython } from '../support/scripted-python.js';
import { skip } from '../support/skip.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

/** Ours: what, and what to do; neither a stack nor Node's words. */
const IN_WORDS = /^error: (?!E[A-Z]+:).+\n {2}\S.*\n(?! +at )/m;

describe('a disk that refuses', () => {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  let file: string;
  let python: ScriptedPython;
  const env = () => ({ ...python.env, DSS_HOME: home, DSS_DATASETS: DATASETS });
  const run = (...words: string[]) => runDss(words, { env: env(), cwd: folder.path });

  before(async () => {
    python = new ScriptedPython(folder.path);
    file = writeTinySweep(folder.path, { seeds: [0] });
    const { code, stderr } = await run('sweep', file, '--workers', '1');
    assert.equal(code, 0, stderr);
  });
  after(() => folder[Symbol.dispose]());

  for (const words of [['status'], ['results', 'tiny', '--format', 'csv'], ['--help']]) {
    it(`to take what \`dss ${words.join(' ')}\` prints is named`, function () {
      if (!existsSync('/dev/full')) skip(this, 'no device here is always full');
      const line = [...COMMAND, ...words].map((word) => `'${word}'`).join(' ');
      const script = `${line} 2>&1 >/dev/full; echo "status $?"`;
      const said = execFileSync('sh', ['-c', script], { env: { ...process.env, ...env() }, encoding: 'utf8' });
      assert.match(said, /^error: stdout: no space is left on the disk\n {2}make room there.*\nstatus 75\n$/);
    });
  }

  it('to make a folder where a file is says so of --out', async () => {
    const { code, stderr } = await run('report', 'tiny', '--out', file);
    assert.equal(code, 2);
    assert.match(stderr, IN_WORDS);
    assert.match(stderr, /tiny\.yaml.*: expected a folder, got a file/);
  });

  it('to make folders where the report goes costs its files, and not the table', async () => {
    const other = join(folder.path, 'other');
    execFileSync('cp', ['-r', home, other]);
    execFileSync('rm', ['-r', join(other, 'reports')]);
    writeFileSync(join(other, 'reports'), '');
    const { code, stdout, stderr } = await run('sweep', file, '--home', other);
    assert.equal(code, 2);
    assert.match(stdout, /Test accuracy, mean/);
    assert.match(stderr, /the report's files could not be written: .*reports.*: expected a folder, got a file/);
    const { stdout: json } = await run('sweep', file, '--home', other, '--json');
    assert.equal(JSON.parse(json).files, null);
  });

  describe('to be written at all', () => {
    before(function () {
      try {
        execFileSync('mount', ['--bind', home, home], { stdio: 'pipe' });
      } catch {
        skip(this, 'mounting a file system needs root on Linux');
      }
      execFileSync('mount', ['-o', 'remount,bind,ro', home], { stdio: 'pipe' });
    });
    after(() => execFileSync('umount', ['-l', home], { stdio: 'pipe' }));

    it('still shows the table of a sweep that is done', async () => {
      const { code, stdout, stderr } = await run('sweep', file);
      assert.equal(code, 2, stderr);
      assert.match(stdout, /Test accuracy, mean/);
      assert.match(
        stderr,
        /the report's files could not be written: .*: the disk is mounted read-only\n {2}name a folder/,
      );
      assert.match(stderr, /`dss report tiny --out DIR` writes them elsewhere/);
    });

    for (const words of [['serve'], ['cancel', 'tiny'], ['backup']]) {
      it(`is why \`dss ${words.join(' ')}\` ends, in words`, async () => {
        const { code, stderr } = await run(...words);
        assert.equal(code, 2, stderr);
        assert.match(stderr, IN_WORDS);
        assert.match(stderr, /the disk is mounted read-only/);
      });
    }

    it('is what doctor finds, and no matter of whose folder it is', async () => {
      const { stdout } = await run('doctor');
      assert.match(stdout, /the disk is mounted read-only/);
      assert.doesNotMatch(stdout, /chown/);
    });
  });
});
