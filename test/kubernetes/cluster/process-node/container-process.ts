/**
 * One run of a container: a process with namespaces of its own for mounts, processes and the host name. Its root is this
 * machine's file system with a layer above that holds what it writes and is gone with it; its volumes lie where their
 * mounts say. Its first process is number one, so a signal that it does not handle is lost, as in a container.
 *
 * Not isolated: network (its ports are this machine's), user, resources. A real kubelet shows those.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { childrenOf } from '../../../support/processes.js';
import type { ContainerLog } from './container-log.js';

export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly readOnly: boolean;
}

export interface ContainerRun {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  readonly readOnlyRoot: boolean;
  /** An empty folder for the layer above the root. */
  readonly scratch: string;
  readonly log: ContainerLog;
}

export interface RunEnd {
  readonly exitCode: number;
  /** That it did not even start. */
  readonly error: string | null;
}

// A file system in memory is the upper layer, because not every file system can be one.
const ENTER = `
set -eu
scratch=$1 name=$2 mode=$3 directory=$4
shift 4
root=$scratch/root
mount -t tmpfs -o mode=755 tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
hostname "$name"
while [ "$1" != -- ]; do
  # Where it lies below the root: a link such as /var/run would lead out of it.
  at=$root$(chroot "$root" readlink -m "$2")
  if [ -d "$1" ]; then
    mkdir -p "$at"
  else
    mkdir -p "\${at%/*}"
    [ -e "$at" ] || : > "$at"
  fi
  mount --rbind "$1" "$at"
  [ "$3" = rw ] || mount -o remount,bind,ro "$at"
  shift 3
done
shift
[ "$mode" = rw ] || mount -o remount,ro "$root"
exec chroot "$root" /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$directory" "$@"
`;
// Whoever makes the namespace of processes stays outside and gives on how the first of them ended, killed or not.
const OUTSIDE = 'setpriv --pdeathsig KILL -- "$@"; exit $?';
const OWN = ['--mount', '--pid', '--uts', '--ipc'];
/** Who may not make namespaces can as root of one of its own users. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];

export class ContainerProcess {
  readonly ended: Promise<RunEnd>;
  readonly #process: ChildProcess;

  constructor(run: ContainerRun) {
    mkdirSync(run.scratch, { recursive: true });
    const mode = (isReadOnly: boolean) => (isReadOnly ? 'ro' : 'rw');
    const mounts = run.mounts.flatMap(({ from, to, readOnly }) => [from, to, mode(readOnly)]);
    const layer = [run.scratch, run.hostname, mode(run.readOnlyRoot), run.workingDir];
    const enter = ['/bin/sh', '-c', ENTER, 'sh', ...layer, ...mounts, '--', ...run.command];
    const words = [...OWN, ...AS_ROOT, '/bin/sh', '-c', OUTSIDE, 'sh', ...enter];
    // Should the node be killed, its containers are gone as from a machine that lost its power.
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'unshare', ...words], {
      env: run.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#process[name]?.setEncoding('utf8').on('data', (text: string) => run.log.append(name, text));
    }
    this.ended = new Promise((resolve) => {
      this.#process.on('error', (error) => resolve({ exitCode: 128, error: error.message }));
      this.#process.on('close', (code, signal) => {
        run.log.end();
        resolve({ exitCode: signal === null ? (code ?? 128) : 128 + constants.signals[signal], error: null });
      });
    });
  }

  /** To its first process. */
  terminate(): void {
    for (const child of childrenOf(this.#process.pid ?? 0)) kill(child, 'SIGTERM');
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended meanwhile.
  }
}
