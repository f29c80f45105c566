import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';

function runSteps(steps: string) {
  const script = `import { runSteps } from './scripts/steps.mjs'; process.exitCode = await runSteps(${steps});`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  return { status, summary: stdout.trimEnd().split('\n').at(-1) ?? '', stdout };
}

describe('a step that fails', () => {
  it('fails the run where nothing says what to run once more', () => {
    const { status, summary } = runSteps(`[{ name: 'tests', command: ['false'], again: () => null }]`);
    assert.equal(status, 1);
    assert.match(summary, /tests .* FAILED \(exit 1\)$/);
  });

  it('is well when what failed succeeds once more, and the summary names that', () => {
    const { status, summary, stdout } = runSteps(`[{ name: 'tests', command: ['false'], again: () => ['true', 'x'] }]`);
    assert.equal(status, 0);
    assert.match(summary, /tests .* ok, AT THE SECOND TRY ONLY: true x$/);
    assert.match(stdout, /tests failed \(exit 1\)\. Once more, alone: true x/);
  });

  it('fails the run when what failed fails once more', () => {
    const { status, summary } = runSteps(`[{ name: 'tests', command: ['true', '1'], again: () => ['false'] },
      { name: 'others', command: ['false'], again: () => ['false'] }]`);
    assert.equal(status, 1);
    assert.match(summary, /others .* FAILED \(exit 1\)/);
  });
});

describe('the report of tests', () => {
  it('leaves the files of failed tests and of failed hooks, each once', () => {
    using folder = temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    writeFileSync(at('well.test.cjs'), `it('is well', () => {});`);
    writeFileSync(at('fails.test.cjs'), `it('a', () => { throw Error('a'); }); it('b', () => { throw Error('b'); });`);
    writeFileSync(
      at('hook.test.cjs'),
      `describe('h', () => { before(() => { throw Error('h'); }); it('c', () => {}); });`,
    );
    const { status } = spawnSync('npx', ['mocha', ...['well', 'fails', 'hook'].map((name) => at(`${name}.test.cjs`))], {
      cwd: REPOSITORY,
      env: { ...process.env, DSS_TEST_FAILED: at('list') },
    });
    assert.equal(status, 3);
    const listed = readFileSync(at('list'), 'utf8')
      .split('\n')
      .map((path) => join(REPOSITORY, path));
    assert.deepEqual(listed, [at('fails.test.cjs'), at('hook.test.cjs')]);
  });
});
