/** A Python that can make our environment. */
import { attempt } from './command.mjs';
import { SetupError } from './setup-error.mjs';

const OLDEST = /** @type {const} */ ([3, 11]);
const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];

/**
 * @param {string} python
 * @param {AbortSignal} [signal]
 * @returns {Promise<string | null>} its version, or null if it does not run
 */
export async function versionOf(python, signal) {
  const script = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
  const { status, output } = await attempt(python, ['-I', '-c', script], signal === undefined ? {} : { signal });
  return status === 0 ? output.trim() : null;
}

/** @param {string} version */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** @param {AbortSignal} signal */
export async function findPython(signal) {
  const found = [];
  for (const name of NAMES) {
    const version = await versionOf(name, signal);
    if (version === null) continue;
    if (isNewEnough(version)) return { python: name, version };
    found.push(`${name} is ${version}`);
  }
  throw new SetupError(
    `Python ${OLDEST.join('.')} or newer was not found in PATH (${found.join(', ') || `tried ${NAMES.join(', ')}`})`,
    'install one, or set DSS_PYTHON to an interpreter that already has torch and transformers',
  );
}
