/**
 * Kubernetes as one program, built from published Go modules. A cold build takes 8 to 15 minutes of two cores and 4 GB of
 * Go's caches, so it is kept in the user's cache by what it is made of, and no test ever builds: `npm run test:kubernetes`
 * does before it starts the first.
 */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

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
const OLDEST_GO = /^go (\d+)\.(\d+)/m.exec(MODULES)?.slice(1).map(Number) ?? [];

export const KUBERNETES_VERSION = /^require k8s\.io\/kubernetes (v\S+)$/m.exec(MODULES)?.[1] ?? '';

/** `null`: it is to be built first. */
export function findBinary(): ClusterBinary | null {
  const folder = folderOfBuild();
  return existsSync(folder) ? inFolder(folder) : null;
}

/** Why it cannot be built here, or `null`. */
export function whyNoBuild(): string | null {
  const { stdout, error } = spawnSync('go', ['env', 'GOVERSION'], { cwd: SOURCES, encoding: 'utf8' });
  const wanted = `Go ${OLDEST_GO.join('.')} or newer (go.dev, or Debian's golang-go)`;
  if (error !== undefined) return `there is no Go: ${wanted} builds the cluster`;
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(stdout)?.slice(1) ?? []).map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_GO;
  const isOld = major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
  return isOld ? `Go is ${stdout.trim() || 'of no known version'}: ${wanted} builds the cluster` : null;
}

/** Two builds at once make the same files; the one that ends last finds the other's in its place. */
export async function buildBinary(): Promise<ClusterBinary> {
  const folder = folderOfBuild();
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    const { cluster, pause } = inFolder(fresh);
    await goBuild('.', cluster);
    await goBuild('./pause', pause);
    if (!existsSync(folder)) renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return inFolder(folder);
}

async function goBuild(what: string, out: string): Promise<void> {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  // Parts compare versions with each other and refuse one that says none.
  const said = { gitVersion: KUBERNETES_VERSION, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  const flags = ['-s', '-w', ...Object.entries(said).map(([name, value]) => `-X ${VERSION}.${name}=${value}`)];
  // Nobody debugs it, and without what debuggers read a cold build is shorter.
  const args = ['build', '-trimpath', '-gcflags=all=-dwarf=false', `-ldflags=${flags.join(' ')}`, '-o', out, what];
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOGC: '200' };
  await promisify(execFile)('nice', ['-n', '10', 'go', ...args], { cwd: SOURCES, env, maxBuffer: 1 << 26 });
}

function folderOfBuild(): string {
  const hash = createHash('sha256').update(process.arch);
  for (const name of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.go$|^go\.(mod|sum)$/.test(name)) hash.update(`\0${name}\0`).update(readFileSync(join(SOURCES, name)));
  }
  const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(caches, 'dss', 'test', `kubernetes-${KUBERNETES_VERSION.slice(1)}-${hash.digest('hex').slice(0, 12)}`);
}

function inFolder(folder: string): ClusterBinary {
  return { cluster: join(folder, 'cluster'), pause: join(folder, 'pause') };
}
