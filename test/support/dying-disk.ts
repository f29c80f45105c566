/**
 * A disk whose medium goes away below a mounted file system: from then on what is written to it, and `fsync`, fail with
 * EIO. Needs root and loop devices on Linux.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

/** All that is left of it; a loop device has no size of zero. */
const LEFT_BYTES = 4_096;

export class DyingDisk {
  readonly path: string;
  readonly #image: string;
  #device = '';

  private constructor(folder: string, bytes: number) {
    this.path = join(folder, 'mounted');
    this.#image = join(folder, 'image');
    mkdirSync(this.path);
    run('truncate', '-s', String(bytes), this.#image);
    run('mkfs.ext4', '-q', '-F', this.#image);
    this.#mount();
  }

  /** `null` where this user may not make one. `folder` is empty. */
  static mount(folder: string, bytes: number): DyingDisk | null {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
    try {
      return new DyingDisk(folder, bytes);
    } catch {
      return null; // no loop devices, or a container that may not
    }
  }

  /** What was synced by now is on the platter, and stays there. */
  die(): void {
    run('sync', '--file-system', this.path);
    copyFileSync(this.#image, `${this.#image}.platter`);
    truncateSync(this.#image, LEFT_BYTES);
    run('losetup', '--set-capacity', this.#device);
  }

  /** The same platter in another machine. */
  revive(): void {
    this.#unmount();
    copyFileSync(`${this.#image}.platter`, this.#image);
    this.#mount();
  }

  [Symbol.dispose](): void {
    this.#unmount();
  }

  #mount(): void {
    this.#device = run('losetup', '--find', '--show', this.#image).trim();
    run('mount', this.#device, this.path);
  }

  #unmount(): void {
    run('umount', '--lazy', this.path);
    run('losetup', '--detach', this.#device);
  }
}

function run(program: string, ...words: readonly string[]): string {
  return execFileSync(program, words, { stdio: 'pipe', encoding: 'utf8' });
}
