/** node_modules by `npm ci`: exactly the lock file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, run } from './command.mjs';
import { ROOT } from './paths.mjs';
import { fingerprint, readStamp, removeStamp, writeStamp } from './stamp.mjs';

const FOLDER = join(ROOT, 'node_modules');

/** The fields of package.json that npm installs by. A changed script is no reason to install again. */
const FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides', 'allowScripts'];

function print() {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { modules } = process.versions; // the binary interface that native modules are built for
  const values = [modules, process.platform, process.arch, ...FIELDS.map((field) => JSON.stringify(manifest[field]))];
  return fingerprint(values, [join(ROOT, 'package-lock.json'), join(ROOT, '.npmrc')]);
}

/** @type {import('./part.mjs').Part} */
export const nodeModules = {
  name: 'node modules',
  isCurrent: async () => readStamp(FOLDER) === print(),
  async make({ say, signal }) {
    const made = print();
    if (isLocked() && (await nativeModulesLoad(signal))) {
      writeStamp(FOLDER, made);
      return 'found as the lock file has them';
    }
    say('installing (npm ci); a native module may be compiled, which takes a minute');
    removeStamp(FOLDER);
    // `npm test --silent` would have this npm too say nothing, not even what went wrong.
    await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=warn'], {
      // Compilers of native modules side by side.
      env: { ...process.env, JOBS: process.env['JOBS'] ?? 'max' },
      signal,
      hint: 'npm comes with Node; compiling better-sqlite3 needs python3, make and a C++ compiler (Debian: apt install build-essential)',
    });
    writeStamp(FOLDER, made);
    return 'installed';
  },
};

/** Whether what a person installed by hand is what we would install: npm leaves a list of it, written last. */
function isLocked() {
  const wanted = packagesOf(join(ROOT, 'package-lock.json'));
  const present = packagesOf(join(FOLDER, '.package-lock.json'));
  if (present === null || wanted === null) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const is = present[path];
    if (path === '' || (is === undefined && optional === true)) return true;
    return is !== undefined && is.version === version && is.integrity === integrity;
  });
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | null}
 */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? null;
  } catch {
    return null;
  }
}

/** @param {AbortSignal} signal */
async function nativeModulesLoad(signal) {
  const script = "new (require('better-sqlite3'))(':memory:')";
  return (await attempt(process.execPath, ['-e', script], { signal })).status === 0;
}
