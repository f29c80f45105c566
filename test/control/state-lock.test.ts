import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { acquireStateLock } from '../../orchestrator/control/state-lock.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';

describe('a state folder', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  beforeEach(() => {
    folder = temporaryFolder();
  });

  afterEach(() => folder[Symbol.dispose]());

  const hold = async () => {
    const script = join(REPOSITORY, 'test/support/hold-state.ts');
    const holder = spawn(process.execPath, ['--import', 'tsx', script, folder.path], {
      cwd: REPOSITORY,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    return holder;
  };

  it('is held by one process; the second is told which, and gets it when that one is killed', async () => {
    const holder = await hold();
    assert.throws(
      () => acquireStateLock(folder.path),
      (error: Error & { code?: string; hint?: string }) => {
        assert.equal(error.code, 'STATE_HELD');
        assert.ok(error.message.includes(`pid ${holder.pid} on ${hostname()}`), error.message);
        assert.ok(error.message.includes('2026-11-24T00:00:00.000Z'), error.message);
        assert.match(error.hint ?? '', /start `dss serve`, which takes many sweeps/);
        return true;
      },
    );
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    assert.ok(existsSync(join(folder.path, 'control.json')), 'the killed one left its file');
    acquireStateLock(folder.path).release();
  });

  it('is held against a second control plane of the same process too', () => {
    const lock = acquireStateLock(folder.path);
    assert.throws(() => acquireStateLock(folder.path), { code: 'STATE_HELD', message: /another dss/ });
    lock.release();
    acquireStateLock(folder.path).release();
  });

  it('says of one that serves that sweeps are handed to it', () => {
    const lock = acquireStateLock(folder.path);
    lock.announce({ address: '127.0.0.1:4242', clientToken: 'secret', serves: true }, 0);
    assert.throws(() => acquireStateLock(folder.path), {
      code: 'STATE_HELD',
      hint: /^it serves: `dss sweep FILE` hands/,
    });
    lock.release();
  });

  it('says who holds it in a file for its owner only, and no longer than it is held', () => {
    const path = join(folder.path, 'control.json');
    writeFileSync(path, 'left by a crash');
    const lock = acquireStateLock(folder.path);
    assert.equal(existsSync(path), false);
    lock.announce({ address: '127.0.0.1:4242', clientToken: 'secret', serves: false }, 0);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), {
      pid: process.pid,
      host: hostname(),
      address: '127.0.0.1:4242',
      clientToken: 'secret',
      serves: false,
      startedAt: '1970-01-01T00:00:00.000Z',
    });
    lock.release();
    assert.equal(existsSync(path), false);
  });
});
