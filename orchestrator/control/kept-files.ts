/** What a trial has kept, for people on other machines: sent and received as one stream of files. */
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { SweepError } from '../core/errors.js';
import type * as wire from '../wire/generated/dss/v1/store.js';
import { decodeStoredPath, MAX_CHUNK_BYTES } from '../wire/store-codec.js';
import { goneOf } from './service-calls.js';
import { keptFiles } from './trial-folder.js';

type Part = NonNullable<wire.KeptPart['part']>;

/** @param home the state folder, absolute */
export async function sendKept(
  call: ServerWritableStream<wire.KeptRequest, wire.KeptPart>,
  home: string,
  trialId: string,
): Promise<void> {
  const gone = goneOf(call);
  const send = async (part: Part) => {
    if (!call.write({ part })) await once(call, 'drain', { signal: gone });
  };
  try {
    for (const { file, path } of await filesOf(home, trialId)) {
      await send({ $case: 'path', value: path });
      const hash = createHash('sha256');
      for await (const data of createReadStream(file, { highWaterMark: MAX_CHUNK_BYTES }) as AsyncIterable<Buffer>) {
        if (gone.aborted) return;
        hash.update(data);
        await send({ $case: 'data', value: data });
      }
      await send({ $case: 'sha256', value: hash.digest('hex') });
    }
    call.end();
  } catch (reason) {
    if (!gone.aborted) throw reason;
  }
}

/** Files and nothing else: what a link in there points to was never kept. */
async function filesOf(home: string, trialId: string): Promise<readonly { file: string; path: string }[]> {
  const { model, rationales } = keptFiles(home, trialId);
  const folder = dirname(model);
  const names = async (path: string, recursive: boolean) => {
    if (!(await isFolder(path))) return [];
    const entries = await readdir(path, { withFileTypes: true, recursive });
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  };
  const beside = (await names(folder, false)).filter((file) => basename(file) === basename(rationales));
  const files = [...(await names(model, true)), ...beside];
  return files.toSorted().map((file) => ({ file, path: relative(folder, file).split(sep).join('/') }));
}

/** Itself, and not what a link of that name points to. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Writes what comes below a folder that is there.
 *
 * @throws SweepError STORE_MISMATCH for bytes that are not what was sent
 */
export async function receiveKept(parts: AsyncIterable<wire.KeptPart>, folder: string): Promise<void> {
  let current: { readonly path: string; readonly file: FileHandle; readonly hash: Hash } | null = null;
  try {
    for await (const { part } of parts) {
      if (part?.$case === 'path') {
        if (current !== null) throw cutOff(current.path);
        const path = decodeStoredPath(part.value);
        await mkdir(dirname(join(folder, path)), { recursive: true });
        current = { path, file: await open(join(folder, path), 'wx'), hash: createHash('sha256') };
      } else if (part?.$case === 'data' && current !== null) {
        current.hash.update(part.value);
        await current.file.writeFile(part.value);
      } else if (part?.$case === 'sha256' && current !== null) {
        if (current.hash.digest('hex') !== part.value) throw cutOff(current.path);
        await current.file.close();
        current = null;
      }
    }
    if (current !== null) throw cutOff(current.path);
  } finally {
    await current?.file.close().catch(() => {});
  }
}

function cutOff(path: string): SweepError {
  return new SweepError('STORE_MISMATCH', `${path} did not come as it is`, { hint: 'run the command again' });
}
