/** Files that trials read where they lie: a store need not keep a copy of what this machine has anyway. */
import { stat } from 'node:fs/promises';
import { digestOfFile } from './file-digest.js';
import type { Content } from './file-store.js';

const REMEMBERED = 10_000;

export class ReferencedFiles {
  readonly #candidates: (sha256: string) => readonly string[];
  /** Digests by path, size and time of change. */
  readonly #digests = new Map<string, Promise<string>>();

  /** @param candidates absolute paths that were said to hold a file with this digest */
  constructor(candidates: (sha256: string) => readonly string[]) {
    this.#candidates = candidates;
  }

  /**
   * Where a file with this content is. Nothing is given out on a path's word alone: whoever names a file without
   * knowing its digest learns nothing of it.
   */
  async find({ sha256, sizeBytes }: Pick<Content, 'sha256'> & Partial<Content>): Promise<string | null> {
    for (const path of this.#candidates(sha256)) {
      const found = await stat(path, { bigint: true }).catch(() => null);
      if (found === null || !found.isFile()) continue;
      if (sizeBytes !== undefined && found.size !== BigInt(sizeBytes)) continue;
      const digest = await this.#digest(`${path}\0${found.size}\0${found.mtimeNs}`, path).catch(() => null);
      if (digest === sha256) return path;
    }
    return null;
  }

  #digest(key: string, path: string): Promise<string> {
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    const digest = digestOfFile(path);
    this.#digests.set(key, digest);
    digest.catch(() => this.#digests.delete(key));
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > REMEMBERED && oldest !== undefined) this.#digests.delete(oldest);
    return digest;
  }
}
