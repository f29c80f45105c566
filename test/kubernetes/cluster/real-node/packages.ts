/**
 * What a real kubelet needs besides itself, from Debian's packages: taken apart into a folder of the user's cache, with
 * nothing installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testCache } from '../test-cache.js';

const PACKAGES = ['busybox-static', 'containerd', 'containernetworking-plugins', 'runc'] as const;
const FOLDER = testCache('real-node');

export interface NodePrograms {
  readonly containerd: string;
  readonly ctr: string;
  readonly runc: string;
  /** Folder of CNI plugins. */
  readonly plugins: string;
  readonly busybox: string;
  /** For shims, which containerd looks up by name. */
  readonly path: string;
}

/** Why a real node cannot run here, or its programs. */
export function nodePrograms(): NodePrograms | string {
  if (process.getuid?.() !== 0) return 'a real kubelet needs root';
  if (!existsSync(FOLDER)) return `a real kubelet needs ${PACKAGES.join(', ')}, which apt-get did not get from Debian`;
  const inside = (...path: readonly string[]) => join(FOLDER, ...path);
  return {
    containerd: inside('usr/bin/containerd'),
    ctr: inside('usr/bin/ctr'),
    runc: inside('usr/sbin/runc'),
    plugins: inside('usr/lib/cni'),
    busybox: inside('bin/busybox'),
    path: `${inside('usr/bin')}:${inside('usr/sbin')}`,
  };
}

/** Where that can be had; a network of a test's own has no way to it. */
export function fetchNodePrograms(): void {
  if (process.getuid?.() !== 0 || existsSync(FOLDER)) return;
  const fresh = `${FOLDER}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    const get = (...words: readonly string[]) => spawnSync('apt-get', words, { cwd: fresh, stdio: 'ignore' }).status;
    // A new machine may know of no packages yet, and an old one of others than there are now.
    if (get('download', ...PACKAGES) !== 0 && (get('update') !== 0 || get('download', ...PACKAGES) !== 0)) return;
    for (const name of readdirSync(fresh).filter((each) => each.endsWith('.deb'))) {
      execFileSync('dpkg', ['-x', join(fresh, name), fresh]);
    }
    if (!existsSync(FOLDER)) renameSync(fresh, FOLDER);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
