/** Runs commands, every one of them, and sums up at the end which failed, what they last said, and how long each took. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './setup/paths.mjs';

/** @typedef {readonly [string, ...string[]]} Command */
/**
 * @typedef {object} Step
 * @property {string} name
 * @property {Command} command
 * @property {Readonly<Record<string, string>>} [env] beside this process's own
 * @property {() => Command | null} [again] what to run once more, alone, when the step has failed; null: nothing. Where
 *   that succeeds, so has the step, and the summary says that it took two tries.
 */
/**
 * @typedef {object} Ended
 * @property {string} name
 * @property {number} seconds
 * @property {string | null} failure
 * @property {string} said
 * @property {Command | null} [failedAtFirst] what succeeded only when it ran once more
 */

/** Of what a failed step said, this much is said again at the end, where a reader of a long log begins. */
const SAID_AGAIN = 6_000;

/**
 * @param {readonly Step[]} steps
 * @param {{ readonly sideBySide?: boolean }} [how] all at once; what they say still comes one after the other
 * @returns {Promise<number>} the exit status: 0 if all succeeded
 */
export async function runSteps(steps, { sideBySide = false } = {}) {
  /** @type {Ended[]} */
  const ended = [];
  if (sideBySide) {
    const all = steps.map((step, number) => start(step, number === 0));
    for (const each of all) {
      each.speak();
      ended.push(await each.ended);
    }
  } else {
    for (const step of steps) {
      const one = start(step, true);
      ended.push(await one.ended);
      if (isStopped) break;
    }
  }
  for (const [number, { name, failure, seconds }] of ended.entries()) {
    const again = failure === null || isStopped ? null : (steps[number]?.again?.() ?? null);
    if (again === null) continue;
    process.stdout.write(`\n── ${name} failed (${failure}). Once more, alone: ${again.join(' ')}\n`);
    const second = await start({ ...steps[number], name, command: again }, true).ended;
    ended[number] = { ...second, seconds: seconds + second.seconds, failedAtFirst: again };
  }
  const failed = ended.filter(({ failure }) => failure !== null);
  for (const { name, said } of failed) process.stdout.write(`\n── ${name}, which failed, last said:\n${said}\n`);
  process.stdout.write(`\n${ended.map(line).join('\n')}\n`);
  return failed.length === 0 && !isStopped ? 0 : 1;
}

/**
 * All at once, with a folder for what they leave to one another.
 *
 * @param {(scratch: string) => readonly Step[]} stepsOf
 */
export async function runTests(stepsOf) {
  const scratch = mkdtempSync(join(tmpdir(), 'dss-test-'));
  try {
    return await runSteps(stepsOf(scratch), { sideBySide: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

let isStopped = false;
// Ctrl-C goes to the steps too: their ends are waited for, and no further one is started.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    isStopped = true;
  });
}

/**
 * @param {Step} step
 * @param {boolean} speaks at once, else only from `speak` on
 */
function start({ name, command: [program, ...args], env: more }, speaks) {
  const startedMs = performance.now();
  const env = { ...(process.stdout.isTTY && { FORCE_COLOR: '1' }), ...process.env, ...more };
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['inherit', 'pipe', 'pipe'] });
  let held = `\n── ${name}: ${[program, ...args].join(' ')}\n`;
  let said = '';
  let isSpeaking = false;
  const speak = () => {
    if (!isSpeaking) process.stdout.write(held);
    isSpeaking = true;
    held = '';
  };
  const hear = (/** @type {string} */ text) => {
    said = (said + text).slice(-SAID_AGAIN);
    if (isSpeaking) process.stdout.write(text);
    else held += text;
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  if (speaks) speak();
  /** @type {Promise<Ended>} */
  const ended = new Promise((resolve) => {
    /** @param {string | null} failure */
    const end = (failure) => resolve({ name, seconds: (performance.now() - startedMs) / 1000, failure, said });
    child.on('error', ({ message }) => end(message));
    child.on('close', (status, signal) => end(status === 0 ? null : (signal ?? `exit ${status}`)));
  });
  return { ended, speak };
}

/** @param {Ended} step */
function line({ name, seconds, failure, failedAtFirst }) {
  const atSecond = failedAtFirst == null ? '' : `, AT THE SECOND TRY ONLY: ${failedAtFirst.join(' ')}`;
  const how = failure === null ? `ok${atSecond}` : `FAILED (${failure})`;
  return `   ${name.padEnd(24)} ${seconds.toFixed(1).padStart(7)} s  ${how}`;
}
