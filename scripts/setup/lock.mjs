/**
 * One set-up at a time in a checkout: `npm ci` empties node_modules first, and two of them would empty
 * each other's. Plain files, since nothing is installed yet. A holder that was killed is noticed by its
 * process id; one in another container or on another host by its silence.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 200;
const SIGN_OF_LIFE_MS = 5_000;
const SILENT_MS = 60_000;

/** @typedef {{ readonly id: string, readonly pid: number, readonly host: string }} Holder */

/**
 * @param {string} path
 * @param {{ signal: AbortSignal, onWait: (holder: Holder) => void }} options
 * @returns {Promise<() => void>} what gives the lock back
 */
export async function takeLock(path, { signal, onWait }) {
  /** @type {Holder} */
  const mine = { id: randomUUID(), pid: process.pid, host: hostname() };
  let waitsFor = '';
  while (!create(path, mine)) {
    const other = readHolder(path);
    if (other === null || isGone(path, other)) {
      removeIfStill(path, other);
    } else if (other.id !== waitsFor) {
      waitsFor = other.id;
      onWait(other);
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
  const timer = setInterval(() => touch(path), SIGN_OF_LIFE_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (readHolder(path)?.id === mine.id) rmSync(path, { force: true });
  };
}

/**
 * @param {string} path
 * @param {Holder} holder
 */
function create(path, holder) {
  try {
    writeFileSync(path, JSON.stringify(holder), { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {Holder | null} null also for a file that its holder has not written yet
 */
function readHolder(path) {
  try {
    const { id, pid, host } = JSON.parse(readFileSync(path, 'utf8'));
    return { id: String(id), pid: Number(pid), host: String(host) };
  } catch {
    return null;
  }
}

/**
 * @param {string} path
 * @param {Holder} holder
 */
function isGone(path, holder) {
  if (holder.host === hostname() && !isAlive(holder.pid)) return true;
  return silenceMs(path) > SILENT_MS;
}

/**
 * A second waiter may see the same dead holder and remove the lock that the first has taken since. So
 * one at a time removes, and looks again before it does.
 * @param {string} path
 * @param {Holder | null} holder
 */
function removeIfStill(path, holder) {
  const guard = `${path}.removing`;
  try {
    mkdirSync(guard);
  } catch {
    if (silenceMs(guard) > SILENT_MS) rmdirSync(guard);
    return;
  }
  try {
    // A file without content is being written, unless that has taken long.
    const is = readHolder(path);
    if (is === null ? silenceMs(path) > SIGN_OF_LIFE_MS : is.id === holder?.id) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

/** @param {string} path */
function silenceMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0; // given back meanwhile
  }
}

/** @param {string} path */
function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Taken away: by hand, or because we were stopped for long. What is being made goes on.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
