/**
 * One control plane for a state folder. The lock is SQLite's own exclusive one on a file that holds
 * nothing: the operating system takes it back when its holder dies, however that happens.
 */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SweepError } from '../core/errors.js';

/** control.json: who holds the state folder, and how to talk to it. For its owner's eyes only. */
export interface ControlFile {
  readonly pid: number;
  readonly host: string;
  readonly address: string;
  readonly clientToken: string;
  /** It stays for whatever is submitted, and does not end with a sweep of its own. */
  readonly serves: boolean;
  /** ISO 8601. */
  readonly startedAt: string;
}

export interface StateLock {
  /** Tells others where the holder listens. */
  announce(said: Pick<ControlFile, 'address' | 'clientToken' | 'serves'>, startedAtUnixMs: number): void;
  release(): void;
}

/** Throws SweepError STATE_HELD, naming the holder. */
export function acquireStateLock(home: string): StateLock {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  // Says what is in the way; SQLite says "unable to open database file".
  accessSync(home, constants.W_OK | constants.X_OK);
  const lock = new Database(join(home, 'control.lock'), { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) throw held(home, error);
    throw error;
  }
  const path = join(home, 'control.json');
  rmSync(path, { force: true }); // of a holder that was killed
  return {
    announce: (said, startedAtUnixMs) => {
      const startedAt = new Date(startedAtUnixMs).toISOString();
      const file: ControlFile = { pid: process.pid, host: hostname(), ...said, startedAt };
      const draft = `${path}.${randomBytes(4).toString('hex')}`;
      writeFileSync(draft, `${JSON.stringify(file)}\n`, { mode: 0o600, flag: 'wx' });
      renameSync(draft, path);
    },
    release: () => {
      rmSync(path, { force: true });
      lock.close();
    },
  };
}

/** Looks and takes nothing: asks for a read lock, which the holder's exclusive one refuses. */
export function isStateHeld(home: string): boolean {
  const path = join(home, 'control.lock');
  if (!existsSync(path)) return false;
  const lock = new Database(path, { readonly: true, timeout: 0 });
  try {
    lock.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return true;
    throw error;
  } finally {
    lock.close();
  }
}

function held(home: string, cause: Error): SweepError {
  const holder = readControlFile(home);
  const who =
    holder === null ? 'another dss' : `pid ${holder.pid} on ${holder.host}, running since ${holder.startedAt},`;
  return new SweepError('STATE_HELD', `${who} holds the state folder ${home}`, {
    hint: holderHint(holder),
    cause,
  });
}

function holderHint(holder: ControlFile | null): string {
  return holder?.serves === true
    ? 'it serves: `dss sweep FILE` hands sweeps to it; or stop it'
    : 'wait for it; or stop it and start `dss serve`, which takes many sweeps and shares the machine among them';
}

/** `null` when it is absent, or is being written by a holder that has only just started. */
function readControlFile(home: string): ControlFile | null {
  try {
    return JSON.parse(readFileSync(join(home, 'control.json'), 'utf8')) as ControlFile;
  } catch {
    return null;
  }
}
