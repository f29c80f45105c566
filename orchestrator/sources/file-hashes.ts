/** Content hashes of files, remembered by path, size and time of change. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { SourceFile, SourceFileRole } from '../core/domain.js';
import { JsonCache } from './json-cache.js';

const CHUNK_BYTES = 1024 * 1024;
/** A file changed this shortly before may change again within one tick of its file system's clock, unnoticed. */
const SETTLED_AFTER_MS = 2_000;

export class FileHashes {
  readonly #cache: JsonCache<string>;
  readonly #nowMs: () => number;

  private constructor(cache: JsonCache<string>, nowMs: () => number) {
    this.#cache = cache;
    this.#nowMs = nowMs;
  }

  static async open(home: string, nowMs: () => number = Date.now): Promise<FileHashes> {
    const hash = z.string().regex(/^[0-9a-f]{64}$/);
    return new FileHashes(await JsonCache.open(join(home, 'cache', 'file-hashes.json'), hash), nowMs);
  }

  save(): Promise<void> {
    return this.#cache.save();
  }

  /** `path` is relative to `directory`, with forward slashes. */
  async sourceFile(directory: string, path: string, role: SourceFileRole, signal?: AbortSignal): Promise<SourceFile> {
    const file = await open(join(directory, path));
    try {
      const found = await file.stat({ bigint: true });
      if (!found.isFile()) throw new Error(`${path}: expected a file, got a folder or a device`);
      const { size, mtimeNs } = found;
      const changedMs = Number(mtimeNs / 1_000_000n);
      const sha256 = await this.#cache.get(
        `${join(directory, path)}\0${size}\0${mtimeNs}`,
        () => sha256Of(file, signal),
        () => this.#nowMs() - changedMs >= SETTLED_AFTER_MS,
      );
      return { path, sha256, sizeBytes: Number(size), role };
    } finally {
      await file.close();
    }
  }
}

async function sha256Of(file: FileHandle, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  const stream = file.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false });
  await pipeline(stream, hash, { ...(signal === undefined ? {} : { signal }) });
  return hash.digest('hex');
}

/** Lines of a file as bytes, without their line feeds. */
export async function* linesOf(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  let kept: Buffer[] = [];
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted();
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      kept.push(chunk.subarray(start, end));
      yield kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept);
      kept = [];
      start = end + 1;
    }
    kept.push(chunk.subarray(start));
  }
  yield Buffer.concat(kept);
}
