/** An interpreter that a person names by DSS_PYTHON. Nothing is installed into it: it has what training needs, or not. */
import { attempt } from './command.mjs';
import { isNewEnough, versionOf } from './find-python.mjs';
import { WORKER } from './paths.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * @param {string} python
 * @param {readonly string[]} extra packages beyond what training needs
 * @returns {import('./part.mjs').Part}
 */
export function chosenInterpreter(python, extra) {
  return {
    name: 'python',
    async isCurrent() {
      const version = await versionOf(python);
      if (version === null) {
        throw new SetupError(`DSS_PYTHON=${python} is no Python that runs`, 'name an interpreter, or unset DSS_PYTHON');
      }
      if (!isNewEnough(version))
        throw new SetupError(`DSS_PYTHON=${python} is Python ${version}; 3.11 or newer is needed`);
      await checkPackages(python, extra);
      return true;
    },
    make: () => Promise.reject(new SetupError(`DSS_PYTHON=${python} changed while it was looked at`)),
  };
}

/**
 * @param {string} python
 * @param {readonly string[]} extra
 */
async function checkPackages(python, extra) {
  // As the launcher starts workers: what else PYTHONPATH holds does not count there either.
  const env = { ...process.env, PYTHONPATH: WORKER };
  const { status, output } = await attempt(python, ['-m', 'dss_worker.check_packages', ...extra], { env });
  if (status === 0) return;
  throw new SetupError(
    `DSS_PYTHON=${python} cannot be used:\n${output.trimEnd().replace(/^/gm, '  ')}`,
    `${python} -m pip install those packages, or unset DSS_PYTHON to let the set-up make an environment in .venv`,
  );
}
