/**
 * Makes a checkout ready to run: node_modules, .venv, dist/. What is current is left alone, what does not
 * depend on each other is made side by side, and whatever stops it, the next set-up goes on from there.
 */
import { join } from 'node:path';
import { build } from './build.mjs';
import { chosenInterpreter } from './chosen-python.mjs';
import { generatedCode } from './generated.mjs';
import { takeLock } from './lock.mjs';
import { nodeModules } from './node-modules.mjs';
import { chosenPython, ROOT } from './paths.mjs';
import { environment } from './python.mjs';
import { Interrupted, SetupError } from './setup-error.mjs';

const STILL_AT_IT_MS = 20_000;

/**
 * @param {{ pythonPackages?: readonly string[] }} [options] what a chosen interpreter must have beyond training's needs
 * @throws {SetupError | Interrupted}
 */
export async function setUp({ pythonPackages = [] } = {}) {
  const startedMs = performance.now();
  const chosen = chosenPython();
  const python = chosen === null ? environment : chosenInterpreter(chosen, pythonPackages);
  if (await areCurrent([nodeModules, python, generatedCode, build])) {
    say(`nothing to do (${secondsSince(startedMs)})`);
    return;
  }
  const stop = new AbortController();
  const forget = onSignals((signal) => stop.abort(new Interrupted(signal)));
  try {
    // At once, and not below what else was made meanwhile.
    await python.check?.(stop.signal);
    const release = await takeLock(join(ROOT, '.setup.lock'), {
      signal: stop.signal,
      onWait: ({ pid, host }) => say(`waiting for another set-up (process ${pid} on ${host})`),
    });
    try {
      await makeAll(python, stop.signal);
    } finally {
      release();
    }
  } catch (error) {
    stop.signal.throwIfAborted();
    throw error;
  } finally {
    // npm passes Ctrl-C on to us a second time, which must not end us before the last words.
    if (!stop.signal.aborted) forget();
  }
  say(`done in ${secondsSince(startedMs)}`);
  say('here `npx dss` runs it; `npm link`, once, makes it `dss` in every folder');
}

/** @param {readonly import('./part.mjs').Part[]} parts */
async function areCurrent(parts) {
  return (await Promise.all(parts.map((part) => part.isCurrent()))).every(Boolean);
}

/**
 * @param {import('./part.mjs').Part} python
 * @param {AbortSignal} signal
 */
async function makeAll(python, signal) {
  /** @type {SetupError[]} */
  const failures = [];
  /**
   * True when the part is there at the end.
   * @param {import('./part.mjs').Part} part
   * @param {readonly Promise<boolean>[]} [needs]
   */
  const make = async (part, needs = []) => {
    try {
      if (await part.isCurrent()) return true;
      if (!(await Promise.all(needs)).every(Boolean)) return false;
      await makeOne(part, signal);
      return true;
    } catch (error) {
      if (!signal.aborted) failures.push(asFailure(part, error));
      return false;
    }
  };
  const modules = make(nodeModules);
  const interpreter = make(python);
  const code = make(generatedCode, [modules, interpreter]);
  await Promise.all([modules, interpreter, code, make(build, [modules, code])]);
  signal.throwIfAborted();
  if (failures.length === 0) return;
  const hints = failures.flatMap(({ hint }) => (hint === undefined ? [] : [hint]));
  throw new SetupError(failures.map(({ message }) => message).join('\n'), hints.join('\n'));
}

/**
 * @param {import('./part.mjs').Part} part
 * @param {AbortSignal} signal
 */
async function makeOne(part, signal) {
  const startedMs = performance.now();
  /** @param {string} what */
  const tell = (what) => say(`${part.name}: ${what}`);
  const timer = setInterval(() => tell(`still at it, ${secondsSince(startedMs)}`), STILL_AT_IT_MS);
  try {
    tell(`${await part.make({ say: tell, signal })} in ${secondsSince(startedMs)}`);
  } finally {
    clearInterval(timer);
  }
}

/**
 * Also a mistake of ours becomes a failure of its part, so that the others end before the lock is given back.
 * @param {import('./part.mjs').Part} part
 * @param {unknown} error
 */
function asFailure(part, error) {
  if (error instanceof SetupError) return new SetupError(`${part.name}: ${error.message}`, error.hint);
  return new SetupError(`${part.name}: ${error instanceof Error ? error.stack : String(error)}`);
}

/**
 * @param {(signal: NodeJS.Signals) => void} react
 * @returns {() => void} what undoes it
 */
function onSignals(react) {
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, react);
  return () => {
    for (const signal of signals) process.off(signal, react);
  };
}

/** On stderr: stdout belongs to what runs afterwards. */
function say(/** @type {string} */ text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** @param {number} startedMs */
function secondsSince(startedMs) {
  const seconds = (performance.now() - startedMs) / 1000;
  return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
}
