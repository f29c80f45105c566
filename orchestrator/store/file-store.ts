/**
 * Files by the SHA-256 of what is in them. A scope says whose a file is: empty for what trials read, else the trial that
 * it belongs to, whose files can be removed together.
 *
 * A file is written under another name and gets its own once all of it is on disk and is what it was said to be: what
 * has a digest for its name is whole, whenever the machine stops.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { byteCount } from '../core/byte-count.js';
import { SweepError } from '../core/errors.js';
import type { StoredFile } from '../core/stored-file.js';
import { storedPath, storePaths, UNFINISHED } from './store-paths.js';
import { StoreRoom } from './store-room.js';

/** A file without a name. */
export type Content = Pick<StoredFile, 'sha256' | 'sizeBytes'>;

/** Stays free: the journal needs the same disk. */
const SPARE_BYTES = 512 * 1024 ** 2;

export class FileStore {
  readonly #home: string;
  readonly #spareBytes: number;
  /** Trials that may have files here. */
  readonly #trials = new Set<string>();
  readonly #room: StoreRoom;

  /** @param home the state folder, absolute */
  constructor(home: string, spareBytes = SPARE_BYTES) {
    this.#home = home;
    this.#spareBytes = spareBytes;
    this.#room = new StoreRoom(
      () => freeBytes(home) - spareBytes,
      (sizeBytes) => this.#full(sizeBytes),
    );
  }

  /** Where a file is, if it is here. */
  pathOf(scope: string, sha256: string): string {
    return storedPath(this.#home, scope, sha256);
  }

  /** False: it has none. Costs nothing: most trials never do. */
  mayHave(trialId: string): boolean {
    return this.#trials.has(trialId);
  }

  async has(scope: string, { sha256, sizeBytes }: Content): Promise<boolean> {
    const found = await stat(this.pathOf(scope, sha256)).catch(() => null);
    return found?.isFile() === true && found.size === sizeBytes;
  }

  /** Of a few files: those that are not here. */
  missingOf(scope: string, files: readonly StoredFile[]): readonly StoredFile[] {
    return files.filter(({ sha256, sizeBytes }) => {
      const found = statSync(this.pathOf(scope, sha256), { throwIfNoEntry: false });
      return found?.isFile() !== true || found.size !== sizeBytes;
    });
  }

  /**
   * Keeps what comes. Two may bring one file at a time: each writes a draft of its own, and both drafts are equal.
   *
   * @param caller who sends it, for others' sake
   * @throws SweepError STORE_MISMATCH, STORE_FULL; what the bytes throw
   */
  async put(scope: string, content: Content, bytes: AsyncIterable<Uint8Array>, caller = ''): Promise<void> {
    const path = this.pathOf(scope, content.sha256);
    const room = this.#room.take(content.sizeBytes, caller);
    if (scope !== '') this.#trials.add(scope);
    const draft = `${path}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
    let file: FileHandle | null = null;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      file = await open(draft, 'wx', 0o600);
      mustBe(content, await writeAll(file, bytes, content.sizeBytes, (count) => room.wrote(count)));
      await file.sync();
      await file.close();
      await rename(draft, path);
      await syncFolder(dirname(path));
    } catch (reason) {
      await file?.close().catch(() => {});
      await rm(draft, { force: true });
      throw this.#isFull(reason) ? this.#full(content.sizeBytes) : reason;
    } finally {
      room.leave();
    }
  }

  /** Removes all of a trial's files but these. Nobody may be writing there who is to go on. */
  keepOnly(trialId: string, kept: ReadonlySet<string>): void {
    const folder = join(storePaths(this.#home).trials, trialId);
    if (kept.size === 0) {
      this.discard(folder);
      this.#trials.delete(trialId);
      return;
    }
    for (const name of namesIn(folder)) if (!kept.has(name)) this.discard(join(folder, name));
  }

  /** Removes these of a trial's files. */
  forget(trialId: string, digests: Iterable<string>): void {
    for (const sha256 of digests) this.discard(this.pathOf(trialId, sha256));
  }

  /**
   * Gone by its name at once, so that a new file of that name is never taken for it; its bytes go in their own time,
   * which on a large file is longer than anybody should wait.
   */
  discard(path: string): void {
    const { removed } = storePaths(this.#home);
    const aside = join(removed, randomBytes(8).toString('hex'));
    try {
      statSync(path);
      mkdirSync(removed, { recursive: true, mode: 0o700 });
      renameSync(path, aside);
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code !== 'ENOENT') throw reason;
      return;
    }
    // What cannot be removed now is removed at the next start.
    rm(aside, { recursive: true, force: true }).catch(() => {});
  }

  /** At a start, when nobody writes: what a former control plane left unfinished. Gives the trials that have files. */
  tidyUp(): readonly string[] {
    const { files, trials, removed } = storePaths(this.#home);
    rmSync(removed, { recursive: true, force: true });
    const trialIds = namesIn(trials);
    for (const trialId of trialIds) this.#trials.add(trialId);
    const folders = [
      ...namesIn(files).map((name) => join(files, name)),
      ...trialIds.map((trialId) => join(trials, trialId)),
    ];
    for (const folder of folders) {
      for (const name of namesIn(folder)) if (name.endsWith(UNFINISHED)) rmSync(join(folder, name), { force: true });
    }
    return trialIds;
  }

  #isFull(reason: unknown): boolean {
    const { code } = (reason ?? {}) as NodeJS.ErrnoException;
    return code === 'ENOSPC' || code === 'EDQUOT';
  }

  #full(sizeBytes: number): SweepError {
    const [free, spare] = [byteCount(freeBytes(this.#home)), byteCount(this.#spareBytes)];
    return new SweepError(
      'STORE_FULL',
      `${this.#home} has ${free} free, of which ${spare} stay free; a file of ${byteCount(sizeBytes)} came`,
      { hint: 'make room there: `dss doctor` names files of the store that nothing needs' },
    );
  }
}

function mustBe(expected: Content, found: Content): void {
  if (found.sha256 === expected.sha256 && found.sizeBytes === expected.sizeBytes) return;
  const [was, is] = [expected, found].map(({ sizeBytes, sha256 }) => `${sizeBytes} bytes with ${sha256.slice(0, 12)}…`);
  const came = found.sizeBytes > expected.sizeBytes ? `more than ${expected.sizeBytes} bytes` : is;
  throw new SweepError('STORE_MISMATCH', `${came} came, expected ${was}`, {
    hint: 'the file changed while it was sent, or the wire did; send it again',
  });
}

async function writeAll(
  file: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  limitBytes: number,
  wrote: (bytes: number) => void,
): Promise<Content> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of bytes) {
    sizeBytes += piece.length;
    if (sizeBytes > limitBytes) break; // nothing of it is kept
    hash.update(piece);
    await file.writeFile(piece); // goes on where the last one ended
    wrote(piece.length);
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw reason;
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
