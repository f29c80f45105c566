/** The Python environment .venv, exactly worker-python/requirements.lock. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, run } from './command.mjs';
import { findPython, isNewEnough, versionOf } from './find-python.mjs';
import { VENV, WORKER } from './paths.mjs';
import { fingerprint, readStamp, removeStamp, writeStamp } from './stamp.mjs';

const PYTHON = join(VENV, 'bin', 'python');
const UV = join(VENV, 'bin', 'uv');
const REQUIREMENTS = join(WORKER, 'requirements.lock');
const BOOTSTRAP = join(WORKER, 'bootstrap.lock');

function print() {
  return fingerprint([process.platform, process.arch], [REQUIREMENTS, BOOTSTRAP]);
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<{ python: string, version: string } | null>} what makes .venv; null: one that will do is there
 * @throws {SetupError}
 */
async function findBase(signal) {
  const version = existsSync(PYTHON) ? await versionOf(PYTHON, signal) : null;
  return version !== null && isNewEnough(version) ? null : findPython(signal);
}

/** @type {import('./part.mjs').Part} */
export const environment = {
  name: 'python',
  // A link to an interpreter that is gone does not exist.
  isCurrent: async () => existsSync(PYTHON) && readStamp(VENV) === print(),
  check: findBase,
  async make({ say, signal }) {
    const made = print();
    removeStamp(VENV);
    const base = await findBase(signal);
    if (base !== null) {
      say(`creating .venv with ${base.python} (${base.version})`);
      await run(base.python, ['-m', 'venv', '--clear', VENV], {
        signal,
        hint: 'on Debian and Ubuntu the venv module is a package of its own: apt install python3-venv',
      });
    }
    say('installing the locked packages, torch among them: some gigabytes the first time');
    const by = (await installWithUv(say, signal)) ? 'uv' : 'pip';
    if (by === 'pip') await installWithPip(signal);
    writeStamp(VENV, made);
    return `installed by ${by}`;
  },
};

/**
 * 2026-11: uv takes 18 s for what takes pip two minutes, and removes what the lock file no longer has. It
 * does not read pip's configuration, so where it fails, behind a mirror for example, pip is asked as well.
 * @param {(what: string) => void} say
 * @param {AbortSignal} signal
 */
async function installWithUv(say, signal) {
  const steps = [
    [PYTHON, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes', '-r', BOOTSTRAP],
    [UV, 'pip', 'sync', '--python', PYTHON, '--require-hashes', REQUIREMENTS],
  ];
  for (const [command = '', ...args] of steps) {
    const { status, output } = await attempt(command, args, { signal });
    if (status === 0) continue;
    say(`uv cannot install (${status}: ${output.trim().split('\n').at(-1)}); trying pip`);
    return false;
  }
  return true;
}

/** @param {AbortSignal} signal */
async function installWithPip(signal) {
  const args = ['-m', 'pip', 'install', '--disable-pip-version-check', '--require-hashes', '-r', REQUIREMENTS];
  await run(PYTHON, args, { signal, hint: 'is the package index reachable, and is there room on the disk?' });
}
