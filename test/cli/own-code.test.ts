import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOfFiles, ownCode } from '../../orchestrator/cli/own-code.js';
import { findPython, pythonPath } from '../../orchestrator/cli/python.js';
import { REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { writeMethodsSweep } from '../support/methods-sweep.js';

describe('the hash of code', () => {
  const folder = temporaryFolder();
  const written = join(folder.path, 'written');
  const hashOf = async (root: string) => (await hashOfFiles(root, ['core', 'cli/readers'], '.ts')).sha256;
  let copy = '';
  let count = 0;
  before(() => {
    for (const [name, text] of [
      ['core/mean.ts', 'a'],
      ['core/statistics/t.ts', 'b'],
      ['cli/readers/load.ts', 'c'],
      ['cli/help.ts', 'd'],
    ] as const) {
      mkdirSync(join(written, name, '..'), { recursive: true });
      writeFileSync(join(written, name), text);
    }
  });
  beforeEach(() => {
    count += 1;
    copy = join(folder.path, `copy-${count}`);
    cpSync(written, copy, { recursive: true });
  });
  after(() => folder[Symbol.dispose]());

  it('is the same wherever the files lie, and whatever lies beside them', async () => {
    writeFileSync(join(copy, 'core', 'mean.js.map'), '{}');
    appendFileSync(join(copy, 'cli', 'help.ts'), 'another word');
    assert.equal(await hashOf(copy), await hashOf(written));
  });

  const changes: readonly (readonly [string, () => void])[] = [
    ['holds another byte', () => writeFileSync(join(copy, 'core', 'statistics', 't.ts'), 'B')],
    ['has another name', () => renameSync(join(copy, 'core', 'mean.ts'), join(copy, 'core', 'men.ts'))],
    ['is gone', () => rmSync(join(copy, 'cli', 'readers', 'load.ts'))],
    ['is new', () => writeFileSync(join(copy, 'core', 'new.ts'), '')],
    [
      'has given bytes to its neighbour',
      () => {
        writeFileSync(join(copy, 'core', 'mean.ts'), '');
        writeFileSync(join(copy, 'core', 'statistics', 't.ts'), 'ab');
      },
    ],
  ];
  for (const [what, change] of changes) {
    it(`is another when a file ${what}`, async () => {
      change();
      assert.notEqual(await hashOf(copy), await hashOf(written));
    });
  }

  it('is of the statistics, of what folds results, and of the worker', async () => {
    const { controlPlane, worker } = await ownCode();
    assert.deepEqual([controlPlane.ending, worker?.ending], ['.ts', '.py']);
    assert.ok(controlPlane.files > 100 && (worker?.files ?? 0) > 50, `${controlPlane.files} and ${worker?.files}`);
    assert.deepEqual(worker, await hashOfFiles(join(REPOSITORY, 'worker-python', 'dss_worker'), ['.'], '.py'));
    assert.deepEqual(await ownCode(), { controlPlane, worker });
  });

  it('is what a worker says of itself', async () => {
    const said = spawnSync(findPython(), ['-c', 'from dss_worker.own_code import own_code; print(own_code())'], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPATH: pythonPath() },
    });
    assert.equal(said.stdout.trim(), (await ownCode()).worker?.sha256, said.stderr);
  });
});

describe('a report of an installation elsewhere', () => {
  it('has the same hashes, and another for a control plane that computes otherwise', async () => {
    using folder = temporaryFolder();
    const installed = join(folder.path, 'installed');
    for (const name of ['orchestrator', 'worker-python/dss_worker', 'datasets/published', 'package.json', 'proto']) {
      cpSync(join(REPOSITORY, name), join(installed, name), { recursive: true });
    }
    symlinkSync(join(REPOSITORY, 'node_modules'), join(installed, 'node_modules'));
    const home = join(folder.path, 'home');
    const report = join(folder.path, 'report');
    mkdirSync(home);
    writeMethodsSweep(home);
    const main = join(installed, 'orchestrator', 'cli', 'main.ts');
    const env = { DSS_HOME: home };
    assert.equal((await runDss(['report', 'methods', '--out', report], { env, main })).code, 0);
    const same = await runDss(['verify', report, '--json'], { env });
    assert.deepEqual([same.code, JSON.parse(same.stdout).other_code], [0, []], same.stderr);
    appendFileSync(join(installed, 'orchestrator', 'core', 'statistics', 'sample.ts'), '\n');
    const other = await runDss(['verify', report, '--json'], { env, main });
    assert.deepEqual([other.code, JSON.parse(other.stdout).other_code], [0, ['the control plane']]);
    assert.match(other.stderr, /made by other code than this: the control plane/);
  });
});
