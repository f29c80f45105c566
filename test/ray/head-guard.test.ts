import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MARK, processesOf } from './support/head-processes.js';

const GUARD = join(import.meta.dirname, 'support/head-guard.ts');
const PARENT = `
const [guard, folder, ...execArgv] = process.argv.slice(1);
require('node:child_process').fork(guard, [folder], { detached: true, execArgv });
console.log('it is guarded');
`;

describe('the guard of a Ray head', () => {
  it('ends all of it when the process that has started it is killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dr-'));
    const endless = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {
      env: { ...process.env, [MARK]: folder },
      stdio: 'ignore',
    });
    await once(endless, 'spawn');
    assert.deepEqual(processesOf(folder), [endless.pid]);
    const ended = once(endless, 'exit');
    const parent = spawn(process.execPath, ['-e', PARENT, GUARD, folder, ...process.execArgv], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    parent.kill('SIGKILL');
    assert.deepEqual(await ended, [null, 'SIGKILL']);
  });

  it('ends with what it has ended, and leaves no folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dr-'));
    const guard = fork(GUARD, [folder], { detached: true });
    guard.disconnect();
    assert.deepEqual(await once(guard, 'exit'), [0, null]);
    assert.equal(existsSync(folder), false);
  });
});
