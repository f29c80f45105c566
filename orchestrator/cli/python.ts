/** The Python that trains, and small questions put to it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SweepError } from '../core/errors.js';
import { asPythonError } from './python-error.js';
import { requirePackages } from './python-packages.js';

/** Where package.json lies: two levels up from the sources, three from what `tsc` built. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new SweepError('INTERNAL', 'the folder of package.json was not found');
    folder = parent;
  }
  return folder;
}

export function pythonPath(): string {
  return join(packageRoot(), 'worker-python');
}

export function findPython(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env['DSS_PYTHON'];
  const python = chosen || join(packageRoot(), '.venv', 'bin', 'python');
  // A bare name is looked up in PATH by the system itself.
  if (python.includes('/') && !existsSync(python)) {
    throw new SweepError('PYTHON_MISSING', `there is no Python at ${python}`, {
      hint: chosen ? 'DSS_PYTHON names it' : 'run `npm start` once, or set DSS_PYTHON to an interpreter that has torch',
    });
  }
  return python;
}

/**
 * For whoever starts workers: they would say one after the other what they miss.
 *
 * @throws SweepError PYTHON_MISSING, PACKAGE_MISSING
 */
export async function findTrainingPython(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const python = findPython(env);
  await requirePackages(python, pythonPath(), env);
  return python;
}

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const STDERR_KEPT = 8_192;

/** Runs `python -m MODULE…` with a JSON request on stdin and gives the JSON document it writes. */
export async function askPython(
  args: readonly string[],
  request: unknown,
  signal?: AbortSignal,
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const python = findPython();
  const child = spawn(python, ['-P', '-m', ...args], {
    env: { ...process.env, ...env, PYTHONPATH: pythonPath() },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  const answer: Buffer[] = [];
  let bytes = 0;
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) child.kill('SIGKILL');
    else answer.push(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint = (complaint + chunk).slice(-STDERR_KEPT);
  });
  child.stdin.on('error', () => {}); // it ended without reading; its exit status says why
  child.stdin.end(JSON.stringify(request));
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', (cause) =>
      reject(
        signal?.aborted
          ? cause
          : new SweepError('PYTHON_MISSING', `${python} cannot be started: ${cause.message}`, { cause }),
      ),
    );
    child.on('close', (code, killedBy) => resolve(code ?? killedBy ?? 'unknown'));
  });
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(answer).toString('utf8'));
  } catch (cause) {
    // Asked only now: nearly always all is there.
    if (complaint.includes('ModuleNotFoundError')) await requirePackages(python, pythonPath());
    throw new SweepError('INTERNAL', `${args[0]} ended with ${status} and gave no answer`, {
      hint: complaint.trim(),
      cause,
    });
  }
  const error = asPythonError(value);
  if (error !== null) throw error;
  return value;
}
