/** Hands a control plane on another machine the files that trials read. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metadata, ServiceError } from '@grpc/grpc-js';
import type { ClientTls } from '../auth/tls-files.js';
import type { Trial } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { StoredFile } from '../core/stored-file.js';
import { encodeStoredFile, MAX_CHUNK_BYTES, MAX_STORED_FILES } from '../wire/codec.js';
import { type MissingResponse, StoreServiceClient } from '../wire/generated/dss/v1/store.js';
import { ask, read } from './calls.js';
import { channelTo } from './channel.js';
import { receiveKept } from './kept-files.js';
import { errorOf } from './status.js';
import { bearer } from './tokens.js';

/** A file on this machine that a trial reads; its path is absolute. */
export type LocalFile = StoredFile;

export interface StoreClientOptions {
  /** HOST:PORT of files. */
  readonly address: string;
  readonly token: string;
  /** Needed beyond this machine. */
  readonly tls?: ClientTls;
}

export interface Upload {
  /** Before each file. */
  readonly tell?: (file: LocalFile, index: number, of: readonly LocalFile[]) => void;
  readonly signal?: AbortSignal;
}

/** Each content once, in the order of first use. */
export function filesOf(trials: Iterable<Trial>): readonly LocalFile[] {
  const files = new Map<string, LocalFile>();
  const seen = new Set<object>();
  for (const { model, dataset } of trials) {
    for (const source of [model, dataset]) {
      if (seen.has(source)) continue;
      seen.add(source);
      for (const { path, sha256, sizeBytes } of source.files) {
        if (!files.has(sha256)) files.set(sha256, { path: join(source.directory, path), sha256, sizeBytes });
      }
    }
  }
  return [...files.values()];
}

/**
 * Sends what is missing there, one file after the other; gives which that were. Cut off, it is asked again: what has
 * arrived whole is not missing any more.
 *
 * @throws SweepError STORE_MISMATCH where a file is not any more what was planned with; STORE_FULL, NOT_ALLOWED,
 * UNAVAILABLE; the signal's reason
 */
export async function uploadFiles(
  files: readonly LocalFile[],
  { address, token, tls }: StoreClientOptions,
  { tell = () => {}, signal = new AbortController().signal }: Upload = {},
): Promise<readonly LocalFile[]> {
  const { credentials, options } = channelTo(address, tls ?? null);
  const client = new StoreServiceClient(address, credentials, options);
  const metadata = bearer(token);
  try {
    const missing = await missingOf(client, metadata, files);
    for (const [index, file] of missing.entries()) {
      signal.throwIfAborted();
      tell(file, index, missing);
      await send(client, metadata, file, signal);
    }
    return missing;
  } finally {
    client.close();
  }
}

/** Writes what a trial has kept below a folder that is there. @throws SweepError STORE_MISMATCH, UNAVAILABLE */
export async function fetchKept(
  trialId: string,
  folder: string,
  { address, token, tls }: StoreClientOptions,
): Promise<void> {
  const { credentials, options } = channelTo(address, tls ?? null);
  const client = new StoreServiceClient(address, credentials, options);
  try {
    await receiveKept(read(client.kept({ trialId }, bearer(token))), folder);
  } finally {
    client.close();
  }
}

async function missingOf(
  client: StoreServiceClient,
  metadata: Metadata,
  files: readonly LocalFile[],
): Promise<readonly LocalFile[]> {
  const absent = new Set<string>();
  for (let from = 0; from < files.length; from += MAX_STORED_FILES) {
    const asked = files.slice(from, from + MAX_STORED_FILES).map((file) => encodeStoredFile({ ...file, path: '' }));
    const { sha256 } = await ask<MissingResponse>((callback) =>
      client.missing({ scope: '', files: asked }, metadata, callback),
    );
    for (const each of sha256) absent.add(each);
  }
  return files.filter(({ sha256 }) => absent.has(sha256));
}

async function send(
  client: StoreServiceClient,
  metadata: Metadata,
  file: LocalFile,
  signal: AbortSignal,
): Promise<void> {
  await mustHaveSize(file);
  const { path, sha256, sizeBytes } = file;
  const over = new AbortController();
  let settle: (error: ServiceError | null) => void = () => {};
  const answered = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === null ? resolve() : reject(errorOf(error)));
  });
  const put = client.put(metadata, (error) => {
    over.abort();
    settle(error);
  });
  answered.catch(() => {}); // heard below
  const cancel = () => put.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  const stream = createReadStream(path, { highWaterMark: MAX_CHUNK_BYTES });
  try {
    put.write({ part: { $case: 'header', value: { scope: '', sha256, sizeBytes: BigInt(sizeBytes) } } });
    for await (const data of stream as AsyncIterable<Buffer>) {
      if (over.signal.aborted) break; // it has what it needs, or wants no more
      if (!put.write({ part: { $case: 'data', value: data } })) await once(put, 'drain', { signal: over.signal });
    }
    put.end();
  } catch (reason) {
    if (!over.signal.aborted) {
      put.cancel();
      throw changed(file, reason instanceof Error ? reason.message : String(reason));
    }
  } finally {
    stream.destroy();
    signal.removeEventListener('abort', cancel);
  }
  try {
    await answered;
  } catch (reason) {
    signal.throwIfAborted();
    if (reason instanceof SweepError && reason.code === 'STORE_MISMATCH') throw changed(file, reason.message);
    throw reason;
  }
}

async function mustHaveSize(file: LocalFile): Promise<void> {
  const found = await stat(file.path).catch((reason: Error) => {
    throw changed(file, reason.message);
  });
  if (found.size !== file.sizeBytes) throw changed(file, `${found.size} bytes, expected ${file.sizeBytes}`);
}

function changed({ path }: LocalFile, how: string): SweepError {
  return new SweepError('STORE_MISMATCH', `${path} is not what the sweep was planned with: ${how}`, {
    hint: 'run the command again: it plans with the file as it is now',
  });
}
