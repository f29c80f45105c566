/**
 * Kubernetes as one program, built from published Go modules. A cold build takes 8 to 15 minutes of two cores and 4 GB of
 * Go's caches, so it is kept in the user's cache by what it is made of, and no test ever builds: `npm run test:kubernetes`
 * does before it starts the first.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findGo, type Go } from './find-go.js';
import { testCache } from './test-cache.js';

export interface ClusterBinary {
  /** etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kubectl. */
  readonly cluster: string;
  /** What holds the namespaces of a pod on a real kubelet. */
  readonly pause: string;
}

const SOURCES = join(import.meta.dirname, 'binary');
const MODULES = readFileSync(join(SOURCES, 'go.mod'), 'utf8');
const VERSION = 'k8s.io/component-base/version';
/** That of Kubernetes' go.mod; any newer one builds it. */
const [, OLDEST_MAJOR, OLDEST_MINOR] = /^go (\d+)\.(\d+)/m.exec(MODULES)?.map(Number) ?? [];

export const KUBERNETES_VERSION = /^require k8s\.io\/kubernetes (v\S+)$/m.exec(MODULES)?.[1] ?? '';

/** `null`: it is to be built first. */
export function findBinary(): ClusterBinary | null {
  const folder = folderOfBuild();
  return existsSync(folder) ? inFolder(folder) : null;
}

/**
 * Two builds at once make the same files; the one that ends last finds the other's in its place. Throws what to do where
 * there is no Go.
 */
export async function buildBinary(): Promise<ClusterBinary> {
  const go = findGo([OLDEST_MAJOR ?? 0, OLDEST_MINOR ?? 0]);
  const folder = folderOfBuild();
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    const { cluster, pause } = inFolder(fresh);
    await goBuild(go, '.', cluster);
    await goBuild(go, './pause', pause);
    if (!existsSync(folder)) renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return inFolder(folder);
}

async function goBuild(go: Go, what: string, out: string): Promise<void> {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  // Parts compare versions with each other and refuse one that says none.
  const said = { gitVersion: KUBERNETES_VERSION, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const flags = ['-s', '-w', ...Object.entries(said).map(([name, value]) => `-X ${VERSION}.${name}=${value}`)];
  // Nobody debugs it, and without what debuggers read a cold build is shorter.
  const args = ['build', '-trimpath', '-gcflags=all=-dwarf=false', `-ldflags=${flags.join(' ')}`, '-o', out, what];
  const env = { ...go.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOGC: '200' };
  await promisify(execFile)('nice', ['-n', '10', go.program, ...args], { cwd: SOURCES, env, maxBuffer: 1 << 26 });
}

function folderOfBuild(): string {
  const hash = createHash('sha256').update(process.arch);
  for (const name of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.go$|^go\.(mod|sum)$/.test(name)) hash.update(`\0${name}\0`).update(readFileSync(join(SOURCES, name)));
  }
  return testCache(`kubernetes-${KUBERNETES_VERSION.slice(1)}-${hash.digest('hex').slice(0, 12)}`);
}

function inFolder(folder: string): ClusterBinary {
  return { cluster: join(folder, 'cluster'), pause: join(folder, 'pause') };
}
