/** Messages of store.proto ↔ files by their content. */
import type { StoredCheckpoint, StoredFile } from '../core/stored-file.js';
import { matching, safeInteger, TRIAL_ID, WireError } from './fields.js';
import type * as wire from './generated/dss/v1/common.js';

/** Files in one Missing, of one checkpoint, or kept by one trial. */
export const MAX_STORED_FILES = 10_000;
export const MAX_CHUNK_BYTES = 1024 * 1024;

const SHA256 = /^[0-9a-f]{64}$/;
const SCOPE = new RegExp(`^$|${TRIAL_ID.source}`);
/** A name that stays in its folder on every system: no drive, no step up, nothing hidden from a listing by its end. */
const SEGMENT = /^(?!\.{1,2}$)[^\p{Cc}/\\:]{1,255}$/u;

export function encodeStoredFile({ path, sha256, sizeBytes }: StoredFile): wire.StoredFile {
  return { path, sha256, sizeBytes: BigInt(sizeBytes) };
}

export function decodeStoredFile(message: wire.StoredFile): StoredFile {
  return { ...decodeContent(message), path: decodeStoredPath(message.path) };
}

export function decodeStoredFiles(messages: readonly wire.StoredFile[]): readonly StoredFile[] {
  if (messages.length > MAX_STORED_FILES) {
    throw new WireError(`${messages.length} files in one message, expected at most ${MAX_STORED_FILES}`);
  }
  const files = messages.map(decodeStoredFile);
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) throw new WireError('two files of one message have the same path');
  return files;
}

/** Of a file, what its path does not say. */
export function decodeContent({ sha256, sizeBytes }: { sha256?: string | undefined; sizeBytes?: bigint | undefined }): {
  readonly sha256: string;
  readonly sizeBytes: number;
} {
  return { sha256: decodeSha256(sha256), sizeBytes: safeInteger(sizeBytes, 'size_bytes') };
}

export function decodeSha256(sha256: string | undefined): string {
  return matching(sha256, SHA256, 'sha256');
}

export function decodeScope(scope: string | undefined): string {
  return matching(scope ?? '', SCOPE, 'scope');
}

export function encodeStoredCheckpoint({ step, path, files }: StoredCheckpoint): wire.StoredCheckpoint {
  return { step, path, files: files.map(encodeStoredFile) };
}

export function decodeStoredCheckpoint(message: wire.StoredCheckpoint): StoredCheckpoint {
  return { step: message.step ?? 0, path: decodeStoredPath(message.path), files: decodeStoredFiles(message.files) };
}

export function decodeStoredPath(path: string | undefined): string {
  const text = path ?? '';
  if (text !== '' && text.split('/').every((segment) => SEGMENT.test(segment))) return text;
  throw new WireError(`path is ${JSON.stringify(text.slice(0, 80))}, expected a relative path with forward slashes`);
}
