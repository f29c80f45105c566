/** Whether the Python that trains has what training needs, asked without loading any of it. */
import { execFile } from 'node:child_process';
import { SweepError } from '../core/errors.js';

const MISSING = ' is missing';

/** @throws SweepError PACKAGE_MISSING for packages, PYTHON_MISSING for a Python that cannot run ours at all */
export async function requirePackages(python: string, path: string, env = process.env): Promise<void> {
  const { status, stdout, stderr } = await checked(python, { ...env, PYTHONPATH: path });
  if (status === 0) return;
  const hint = packagesHint(python, env);
  const complaints = stdout.split('\n').filter((line) => line !== '');
  if (status !== 1 || complaints.length === 0) {
    const lines = stderr.trim().split('\n');
    const said = lines.at(lines[0]?.startsWith('Traceback') ? -1 : 0);
    throw new SweepError('PYTHON_MISSING', `${python} is no Python 3.11 or newer that runs: ${said}`, { hint });
  }
  const missing = complaints.filter((line) => line.includes(MISSING)).map((line) => line.split(MISSING)[0]);
  const others = complaints.filter((line) => !line.includes(MISSING));
  const lacks = missing.length === 0 ? [] : [`lacks ${missing.join(', ')}`];
  throw new SweepError('PACKAGE_MISSING', `${python}: ${[...lacks, ...others].join('; ')}`, { hint });
}

/** What helps: nothing is installed into an interpreter that a person chose. */
export function packagesHint(python: string, env = process.env): string {
  if (!env['DSS_PYTHON']) return '`npm run setup` installs what is missing';
  return `DSS_PYTHON names it: unset it, or \`${python} -m pip install\` what is missing; \`dss doctor\` looks again`;
}

interface Checked {
  readonly status: number | string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function checked(python: string, env: NodeJS.ProcessEnv): Promise<Checked> {
  const args = ['-P', '-m', 'dss_worker.check_packages'];
  return new Promise((resolve) => {
    execFile(python, args, { env }, (error, stdout, stderr) =>
      resolve({
        status: error === null ? 0 : (error.code ?? error.signal),
        stdout,
        stderr: stderr || error?.message || '',
      }),
    );
  });
}
