/**
 * Ray in a Python environment of its own, outside the project: 300 MB that only these tests need. Kept by version in
 * the user's cache, so that it is installed once; `RAY_TEST_VERSION` takes another than the newest tested one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TESTED_RAY } from '../../../orchestrator/launchers/ray/tested-versions.js';

const RAY_VERSION = process.env['RAY_TEST_VERSION'] ?? TESTED_RAY.at(-1) ?? '';

/** Below `run.ray`: one that is being tried is not among those that were. */
export const ALLOWED = TESTED_RAY.includes(RAY_VERSION) ? {} : { allow_untested_ray: true };

/** The same, of `dss`. */
export const ALLOWED_FLAGS = 'allow_untested_ray' in ALLOWED ? ['--allow-untested-ray'] : [];

/** grpcio as the worker's generated code asks for it: Ray brings any, and the agent runs in Ray's Python. */
const PACKAGES = [`ray[default,client]==${RAY_VERSION}`, 'grpcio>=1.85.1', 'protobuf>=7.35.1'];

/** The folder with `ray` and `python`. */
export function rayEnvironment(): string {
  const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(caches, 'dss', 'test', `ray-${RAY_VERSION}`);
  const bin = join(folder, 'bin');
  if (existsSync(join(bin, 'ray'))) return bin;
  console.warn(`      installing Ray ${RAY_VERSION} into ${folder}, once`);
  // What an installation that was broken off has left.
  rmSync(folder, { recursive: true, force: true });
  run('python3', ['-m', 'venv', folder]);
  try {
    run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', ...PACKAGES]);
  } catch (reason) {
    rmSync(folder, { recursive: true, force: true });
    throw reason;
  }
  return bin;
}

function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `ended with ${status}`}`);
}
