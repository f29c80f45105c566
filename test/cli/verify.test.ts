import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { WAITING, writeMethodsSweep } from '../support/methods-sweep.js';
import { resultOf } from '../support/records.js';

describe('dss verify', () => {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const written = join(folder.path, 'written');
  let report = '';
  let count = 0;
  const run = (...words: string[]) => runDss(words, { env: { DSS_HOME: home } });

  before(async () => {
    mkdirSync(home);
    writeMethodsSweep(home);
    assert.equal((await run('report', 'methods', '--out', written)).code, 0);
  });
  beforeEach(() => {
    count += 1;
    report = join(folder.path, `copy-${count}`);
    cpSync(written, report, { recursive: true });
  });
  after(() => folder[Symbol.dispose]());

  const changeJson = (name: string, change: (value: Record<string, unknown>) => void) => {
    const path = join(report, name);
    const value = JSON.parse(readFileSync(path, 'utf8'));
    change(value);
    writeFileSync(path, JSON.stringify(value));
  };

  it('finds a report that was just written as it should be, wherever it was copied to', async () => {
    const { code, stdout } = await run('verify', report);
    assert.deepEqual([code, stdout.match(/^\d+ files are as they were written$/m)?.length], [0, 1]);
    assert.match(stdout, /^its numbers are those that the state folder .* gives for methods$/m);
  });

  it('names each file that is missing or was changed', async () => {
    appendFileSync(join(report, 'report.md'), 'x');
    const html = readFileSync(join(report, 'report.html'), 'utf8');
    writeFileSync(join(report, 'report.html'), html.replace('75.00', '95.00'));
    rmSync(join(report, 'tables.tex'));
    const { code, stdout } = await run('verify', report, '--json');
    assert.equal(code, 1);
    const { differences, compared_with } = JSON.parse(stdout);
    assert.equal(differences.length, 3);
    assert.ok(differences.includes('tables.tex is missing'));
    assert.ok(differences.includes("report.html was changed: its SHA-256 is not the manifest's"));
    assert.ok(differences.some((line: string) => /^report\.md has \d+ bytes; the manifest says \d+$/.test(line)));
    assert.match(compared_with, /^the state folder /);
  });

  it('names each row that the manifest has no command for, another one, or that is not there', async () => {
    const swapped: string[] = [];
    changeJson('manifest.json', (value) => {
      const numbers = value['numbers'] as { address: string; command: string }[];
      const [first, second, ...others] = numbers.filter(({ address }) => address.startsWith('cells.'));
      assert.ok(first && second && others.length > 0);
      swapped.push(first.address, second.address);
      value['numbers'] = numbers
        .filter(({ address }) => address !== first.address)
        .map((each) => (each === second ? { ...each, command: `rm -r . # ${each.address}` } : each))
        .concat({ address: 'cells.none', command: 'dss report methods --number cells.none' });
    });
    const { code, stdout } = await run('verify', report, '--json');
    assert.equal(code, 1);
    const [missing, changed] = swapped;
    assert.deepEqual(JSON.parse(stdout).differences, [
      `manifest.json: ${changed} is printed by dss report methods --number ${changed}, not by rm -r . # ${changed}`,
      'manifest.json: summary.json has no cells.none',
      `manifest.json: no command prints ${missing} of summary.json`,
    ]);
  });

  it('compares no numbers of a summary that was changed', async () => {
    changeJson('summary.json', (value) => Object.assign(value, { trials: 5 }));
    const { code, stdout } = await run('verify', report);
    assert.equal(code, 1);
    assert.match(stdout, /^its numbers were not compared: summary\.json itself is not as it was written$/m);
  });

  it('names each number that the results do not give any more', async () => {
    const later = join(folder.path, 'later');
    cpSync(home, later, { recursive: true });
    const journal = openJournal(later);
    journal.transaction(() => {
      journal.finish(journal.begin(WAITING.trialId, 'w', 30_000).lease, resultOf({ testAccuracy: 0.5 }), 40_000);
    });
    journal.close();
    const { code, stdout } = await run('verify', report, '--home', later);
    assert.equal(code, 1);
    assert.match(stdout, /^summary\.json: counts\.succeeded is 2, and 3 by the state folder .*later$/m);
    assert.match(stdout, /^summary\.json: cells\.[0-9a-f]{12}\.test_accuracy\.mean is 0\.25, and 0\.375 by /m);
    assert.match(stdout, /^\d+ files are as they were written$/m);
  });

  it('checks the files alone where nobody says where the sweep is, and says so', async () => {
    const { code, stdout } = await runDss(['verify', report], { env: { DSS_HOME: join(folder.path, 'empty') } });
    assert.equal(code, 0);
    assert.match(stdout, /^its numbers were not compared: the sweep methods is not in the state folder; --home or /m);
    const named = await run('verify', report, '--home', join(folder.path, 'empty'));
    assert.equal(named.code, 2);
    assert.match(named.stderr, /there is no sweep "methods"/);
  });

  it('says how many trials a worker of other code ran, which is no difference by itself', async () => {
    changeJson('manifest.json', (value) => {
      const code = value['code'] as { worker: { sha256: string } };
      const ran = [null, code.worker.sha256, 'c'.repeat(64), 'd'.repeat(64)].map((sha256) => ({ sha256, trials: 2 }));
      value['code'] = { ...code, ran };
    });
    const { code, stdout, stderr } = await run('verify', report, '--json');
    assert.deepEqual([code, JSON.parse(stdout).other_code], [0, ['the workers that ran 4 trials']]);
    assert.match(stderr, /the report was made by other code than this: the workers that ran 4 trials/);
  });

  const refused: readonly (readonly [string, () => void, RegExp])[] = [
    [
      'a folder without one',
      () => rmSync(join(report, 'manifest.json')),
      /there is no .*manifest\.json\n {2}`dss report/,
    ],
    ['what is no JSON', () => writeFileSync(join(report, 'manifest.json'), '{'), /manifest\.json is no JSON: /],
    [
      "another program's",
      () => writeFileSync(join(report, 'manifest.json'), '{"name": "app"}'),
      /manifest\.json is no manifest of this version's reports: kind: /,
    ],
    [
      'one that leads out of its folder',
      () =>
        changeJson('manifest.json', (value) => {
          const [first] = value['files'] as Record<string, unknown>[];
          Object.assign(first ?? {}, { name: '../home/journal.db' });
        }),
      /files\.0\.name: expected a file's name within the report/,
    ],
  ];
  for (const [what, change, message] of refused) {
    it(`refuses, as a manifest, ${what}`, async () => {
      change();
      const { code, stdout, stderr } = await run('verify', report);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, '']);
    });
  }
});
