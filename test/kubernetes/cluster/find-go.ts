/**
 * The Go that builds the cluster. Any newer than Kubernetes' own is one; an older one, such as Debian's, fetches it: Go is
 * published as a module of itself.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testCache } from './test-cache.js';

export interface Go {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Where this machine's is too old. */
const FETCHED = '1.26.8';
const MODULE = 'golang.org/toolchain';
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What a module carries in the place of what it may not: files to be run, and a module within it. */
const PROGRAMS = [['bin'], ['pkg', 'tool']] as const;
const HIDDEN_MODULES = [['src'], ['src', 'cmd']] as const;

/** `oldest`: major and minor. Throws what to do where there is none, and none can be had. */
export function findGo(oldest: readonly [number, number]): Go {
  const here = { program: 'go', env: process.env };
  if (isNewEnough(here, oldest)) return here;
  const folder = testCache(`go-${FETCHED}`);
  const { GOROOT: _, ...env } = process.env;
  const fetched = { program: join(folder, 'bin', 'go'), env: { ...env, GOTOOLCHAIN: 'local' } };
  if (!existsSync(folder)) fetchGo(folder);
  return fetched;
}

function isNewEnough({ program, env }: Go, [oldestMajor, oldestMinor]: readonly [number, number]): boolean {
  const { stdout } = spawnSync(program, ['env', 'GOVERSION'], { env, cwd: import.meta.dirname, encoding: 'utf8' });
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(stdout ?? '')?.slice(1) ?? []).map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

function fetchGo(folder: string): void {
  const { error } = spawnSync('go', ['version'], { stdio: 'ignore' });
  if (error !== undefined) throw new Error(`there is no Go: any builds the cluster (go.dev, or Debian's golang-go)`);
  const version = `v0.0.1-go${FETCHED}.${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    // Away from any go.mod, which an old Go may not read; and where what it writes can be changed.
    const env = { ...process.env, GOMODCACHE: fresh, GOFLAGS: '-modcacherw' };
    execFileSync('go', ['mod', 'download', `${MODULE}@${version}`], { cwd: fresh, env, stdio: 'inherit' });
    const unpacked = join(fresh, `${MODULE}@${version}`);
    for (const path of PROGRAMS) makeExecutable(join(unpacked, ...path));
    for (const path of HIDDEN_MODULES)
      renameSync(join(unpacked, ...path, '_go.mod'), join(unpacked, ...path, 'go.mod'));
    if (!existsSync(folder)) renameSync(unpacked, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function makeExecutable(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
}
