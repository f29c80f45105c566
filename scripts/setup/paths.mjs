/** Where things lie in a checkout. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const WORKER = join(ROOT, 'worker-python');
export const VENV = join(ROOT, '.venv');

/** The interpreter that a person chose, or null for our own environment. Empty counts as unset, as in `dss`. */
export function chosenPython() {
  return process.env['DSS_PYTHON'] || null;
}

/** What runs our Python. */
export function pythonCommand() {
  return chosenPython() ?? join(VENV, 'bin', 'python');
}
