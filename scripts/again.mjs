/** What of a failed test step to run once more: a handful of tests is what a busy machine may bring down, more is not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const MOST_FILES = 3;
const MOST_PYTHON_TESTS = 5;

/**
 * A step of mocha, which leaves the files of failed tests as `spec-reporter.cjs` does.
 *
 * @param {import('./steps.mjs').Step} step
 * @param {{ readonly scratch: string, readonly again: import('./steps.mjs').Command }} how a folder for the list of
 *   files; the command that takes such files behind it
 * @returns {import('./steps.mjs').Step}
 */
export function mochaStep(step, { scratch, again }) {
  const list = join(scratch, step.name.replaceAll(' ', '-'));
  return {
    ...step,
    env: { DSS_TEST_FAILED: list },
    again: () => {
      const files = read(list)?.split('\n').filter(Boolean) ?? [];
      return fewEnough(files.length, MOST_FILES) ? [...again, ...files] : null;
    },
  };
}

/**
 * @param {{ readonly name: string, readonly command: import('./steps.mjs').Command }} step its command takes arguments
 *   of pytest behind it
 * @param {{ readonly scratch: string }} how
 * @returns {import('./steps.mjs').Step}
 */
export function pytestStep({ name, command }, { scratch }) {
  const cache = join(scratch, 'pytest');
  /** @type {import('./steps.mjs').Command} */
  const cached = [...command, '-o', `cache_dir=${cache}`];
  return {
    name,
    command: cached,
    again: () => {
      const failed = Object.keys(JSON.parse(read(join(cache, 'v/cache/lastfailed')) ?? '{}'));
      return fewEnough(failed.length, MOST_PYTHON_TESTS) ? [...cached, '--last-failed'] : null;
    },
  };
}

/** @param {string} path @returns {string | null} null where there is no such file */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** @param {number} failed @param {number} most */
function fewEnough(failed, most) {
  return failed > 0 && failed <= most;
}
