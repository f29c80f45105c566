/** Bytes to be stored, and how they come. */
import { createHash } from 'node:crypto';
import type { StoredFile } from '../../orchestrator/core/stored-file.js';

/** A file of these bytes, as it is told of. */
export function storedFile(bytes: Uint8Array, path = 'file'): StoredFile {
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

export async function* inPieces(bytes: Uint8Array, size = 1024): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

/** Some of it, and then the wire breaks. */
export async function* cutOff(bytes: Uint8Array, after: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, after);
  throw new Error('cut off');
}
