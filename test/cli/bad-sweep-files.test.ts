import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDss, temporaryFolder } from '../support/dss.js';

/** A sweep file that would be fine but for what a test changes in it. */
function sweepText(grid: string, rest = ''): string {
  return `sweep: bad\ngrid:\n${grid}\n${rest}`;
}

const GRID = '  models: [m]\n  datasets: [d]\n  seeds: [0]';

/** What is wrong, the file's content, and what must be said; a place is `line:column`. */
const CASES: readonly [string, string | Buffer, string | null, RegExp][] = [
  ['an unknown key', sweepText(`${GRID}\n  sedes: [1]`), '6:3', /sedes.*\n.*seeds/s],
  ['an unknown setting of train', sweepText(GRID, 'train: { max_step: 3 }'), '6:10', /max_step.*max_steps/s],
  ['a wrong type', sweepText(GRID, 'train: { max_steps: many }'), '6:21', /train\.max_steps.*many/s],
  ['a value out of range', sweepText(GRID, 'train: { subsample: 1.5 }'), '6:21', /train\.subsample.*1\.5/s],
  ['an unknown choice', sweepText(`${GRID}\n  label_type: [gtt]`), '6:16', /label_type.*gtt/s],
  ['an empty axis', sweepText('  models: [m]\n  datasets: []'), '4:13', /grid\.datasets/],
  ['a key given twice', sweepText(`${GRID}\n  seeds: [1]`), '6:3', /seeds|unique/],
  ['a seed given twice', sweepText('  models: [m]\n  datasets: [d]\n  seeds: [1, 1]'), '5:14', /seed/],
  ['a tab', `sweep: bad\ngrid:\n\tmodels: [m]\n`, '3:1', /tab/i],
  ['a name that is none', sweepText(GRID).replace('bad', 'Bad_Name'), '1:8', /Bad_Name/],
  ['anchors that explode', explodingAnchors(), null, /alias|anchor/i],
  ['5,000-deep nesting', `sweep: ${'['.repeat(5_000)}${']'.repeat(5_000)}\n`, null, /deep|nest/i],
  ['a file of 2 MiB', `sweep: bad\n#${'x'.repeat(2 * 1024 * 1024)}\n`, null, /large|MiB|bytes/],
  ['bytes that are not UTF-8', Buffer.from([0x73, 0x77, 0xff, 0xfe, 0x0a]), null, /UTF-8/],
  ['an empty file', '', null, /empty/],
  ['a file of comments', '# nothing\n', null, /empty/],
];

function explodingAnchors(): string {
  const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`);
  return `a0: &a0 [x]\n${levels.join('\n')}\n`;
}

describe('a sweep file with a mistake', () => {
  for (const [what, content, place, message] of CASES) {
    it(`is answered with the place, what is wrong and exit code 2, and stores nothing: ${what}`, async () => {
      using folder = temporaryFolder();
      const [file, home] = [join(folder.path, 'bad.yaml'), join(folder.path, 'home')];
      writeFileSync(file, content);
      const { code, stdout, stderr } = await runDss(['sweep', file, '--home', home]);
      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.ok(stderr.includes(place === null ? file : `${file}:${place}`), stderr);
      assert.equal(existsSync(home), false);
    });
  }

  it('is answered with all mistakes at once', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'bad.yaml');
    writeFileSync(file, sweepText('  models: [m]\n  datasets: []', 'train: { lr: fast, max_step: 3 }'));
    const { code, stderr } = await runDss(['plan', file]);
    assert.equal(code, 2);
    for (const part of ['grid.datasets', 'train.lr', 'max_step']) assert.ok(stderr.includes(part), stderr);
  });

  it('is answered with its issues as data with --json', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'bad.yaml');
    writeFileSync(file, sweepText(GRID, 'train: { lr: fast }'));
    const { code, stdout } = await runDss(['plan', file, '--json']);
    const { error } = JSON.parse(stdout);
    assert.deepEqual(
      [code, error.code, error.issues[0].line, error.issues[0].path],
      [2, 'SPEC_INVALID', 6, 'train.lr'],
    );
  });

  it('is told from a folder and from a file that is not there', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'folder.yaml'));
    const directory = await runDss(['sweep', join(folder.path, 'folder.yaml')]);
    assert.match(directory.stderr, /directory|folder/);
    const missing = await runDss(['sweep', join(folder.path, 'none.yaml')]);
    assert.match(missing.stderr, /none\.yaml/);
    assert.deepEqual([directory.code, missing.code], [2, 2]);
  });

  it('is refused with the count when the product is larger than a million', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'bad.yaml');
    const many = Array.from({ length: 1_001 }, (_, i) => i).join(', ');
    const grid = `  models: [m]\n  datasets: [d]\n  seeds: [${many}]\n  max_steps: [${many.replace('0, ', '')}, 2000]`;
    writeFileSync(file, sweepText(grid));
    const { code, stderr } = await runDss(['plan', file]);
    assert.equal(code, 2);
    assert.match(stderr, /1,?002,?001/);
  });
});
