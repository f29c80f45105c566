/** Runs a program as part of the set-up. Its output is kept, and shown only when it fails. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ROOT } from './paths.mjs';
import { SetupError } from './setup-error.mjs';

const KEPT_CHARACTERS = 64 * 1024;
const FIRST_LINES = 12;
const LAST_LINES = 28;
const KILL_AFTER_MS = 5_000;

/** @typedef {{ readonly status: number | string, readonly output: string }} Ended a status that is a word: a signal, or ENOENT */

/**
 * Runs to the end, however that is. In a process group of its own, so that a signal to us reaches the
 * whole of it once and in order, compilers below npm included.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, signal?: AbortSignal }} [options]
 * @returns {Promise<Ended>}
 */
export function attempt(command, args, { env = process.env, signal } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, args, { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    /** @param {string} chunk */
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const stop = () => {
      killGroup(child.pid, 'SIGTERM');
      timer = setTimeout(killGroup, KILL_AFTER_MS, child.pid, 'SIGKILL');
    };
    signal?.addEventListener('abort', stop);
    const ended = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    child.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      ended();
      resolve({ status: error.code ?? error.message, output });
    });
    child.on('close', (code, killedBy) => {
      ended();
      if (signal?.aborted) reject(signal.reason);
      else resolve({ status: code ?? killedBy ?? 'unknown', output });
    });
  });
}

/**
 * The same, where anything but success ends the part.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, signal?: AbortSignal, hint?: string }} [options]
 */
export async function run(command, args, { hint, ...options } = {}) {
  const { status, output } = await attempt(command, args, options);
  if (status === 0) return output;
  const line = [command, ...args].join(' ');
  if (status === 'ENOENT') throw new SetupError(`${command} was not found (for: ${line})`, hint);
  throw new SetupError(`${line}: ended with ${status}${excerpt(output)}`, hint);
}

/**
 * npm says first what is wrong, compilers say it last.
 * @param {string} output
 */
function excerpt(output) {
  const lines = output
    .trimEnd()
    .split('\n')
    .filter((each) => each !== '');
  const left = lines.length - FIRST_LINES - LAST_LINES;
  if (left > 1) lines.splice(FIRST_LINES, left, `… ${left} lines …`);
  return lines.map((each) => `\n  | ${each}`).join('');
}

/**
 * What a shell reports for a process that a signal ended.
 * @param {NodeJS.Signals} signal
 */
export function statusOf(signal) {
  return 128 + constants.signals[signal];
}

/**
 * @param {number | undefined} pid
 * @param {NodeJS.Signals} signal
 */
function killGroup(pid, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // it ended meanwhile
  }
}
