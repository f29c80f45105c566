/**
 * The tools themselves, each in a Python environment of its own, outside the project: hundreds of megabytes that only
 * these tests need. Kept by version in the user's cache, so that each is installed once.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skip } from './skip.js';

const TOOLS = {
  // It brings pandas and pyarrow.
  mlflow: process.env['MLFLOW_TEST_VERSION'] ?? '3.17.2',
  wandb: process.env['WANDB_TEST_VERSION'] ?? '0.31.0',
  // Not among what the tests of the worker need: where it is installed, transformers loads it into every process.
  scipy: process.env['SCIPY_TEST_VERSION'] ?? '1.17.1',
} as const;

export type Tool = keyof typeof TOOLS;

/**
 * The folder with its Python. Where it cannot be installed, the test is skipped, and says so.
 *
 * Made under a name of its own, and there under the common one only when it is whole: several test runs may make it at once,
 * and any of them may be killed. What moves are no programs, whose first lines name their folder, but `python -m`.
 */
export function toolEnvironment(test: Mocha.Context, tool: Tool): string {
  const version = TOOLS[tool];
  const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(caches, 'dss', 'test', `${tool}-${version}`);
  const bin = join(folder, 'bin');
  if (existsSync(join(bin, 'python'))) return bin;
  console.warn(`      installing ${tool} ${version} into ${folder}, once`);
  mkdirSync(dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}.part-`);
  try {
    const failure =
      failureOf('python3', ['-m', 'venv', draft]) ??
      failureOf(join(draft, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', `${tool}==${version}`]);
    if (failure !== null) return skip(test, `${tool} ${version} cannot be installed here: ${failure}`);
    try {
      renameSync(draft, folder);
    } catch (reason) {
      if (!existsSync(join(bin, 'python'))) throw reason; // else somebody else was first
    }
    return bin;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function failureOf(program: string, args: readonly string[]): string | null {
  const { status, error, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  if (status === 0) return null;
  return error?.message ?? (stderr.trim().split('\n').at(-1) || `${program} ended with ${status}`);
}

/** Runs a Python file; gives the JSON that it prints. */
export function askScript(python: string, script: URL, args: readonly string[] = []): unknown {
  const path = fileURLToPath(script);
  const { status, stdout, stderr } = spawnSync(python, [path, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${path} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
