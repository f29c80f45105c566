/** The service that gives and takes files. Bytes flow as fast as both disks and the peer bear, and no faster. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { ServerReadableStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { SweepError } from '../core/errors.js';
import type { FileStore } from '../store/file-store.js';
import type { ReferencedFiles } from '../store/referenced-files.js';
import { decodeTrialId } from '../wire/codec.js';
import { safeInteger, WireError } from '../wire/fields.js';
import type * as wire from '../wire/generated/dss/v1/store.js';
import { decodeContent, decodeScope, decodeSha256, MAX_CHUNK_BYTES, MAX_STORED_FILES } from '../wire/store-codec.js';
import type { Call } from './identities.js';
import { sendKept } from './kept-files.js';
import { goneOf } from './service-calls.js';
import { statusOf } from './status.js';
import { type StoreAccess, WORKER_ID_KEY } from './store-access.js';

export interface StoreServiceParts {
  readonly store: FileStore;
  readonly referenced: ReferencedFiles;
  readonly logger: Logger;
  /** What the caller may do with a scope. Throws SweepError AUTH_INVALID. */
  readonly accessOf: (call: Call, scope: string) => StoreAccess;
  /** The state folder, absolute. */
  readonly home: string;
  /** Throws SweepError for whoever is nobody that may look at sweeps. */
  readonly mustBePerson: (call: Call) => void;
  /** Without a byte, a file that comes is given up after so long. */
  readonly idleMs?: number;
}

export function createStoreService(parts: StoreServiceParts): wire.StoreServiceServer {
  const failed = (call: Call, reason: unknown) => {
    // Whoever sends is told too, but it is here that somebody can make room.
    if (reason instanceof SweepError && reason.code === 'STORE_FULL') {
      parts.logger.warn({ hint: reason.hint }, `a file was refused: ${reason.message}`);
    } else if (!(reason instanceof SweepError || reason instanceof WireError)) {
      parts.logger.error({ err: reason }, `${call.getPath()} failed`);
    }
    return statusOf(reason);
  };
  return {
    missing: (
      call: ServerUnaryCall<wire.MissingRequest, wire.MissingResponse>,
      callback: sendUnaryData<wire.MissingResponse>,
    ) => {
      missing(call, parts).then(
        (sha256) => callback(null, { sha256 }),
        (reason: unknown) => callback(failed(call, reason)),
      );
    },
    get: (call: ServerWritableStream<wire.GetRequest, wire.Chunk>) => {
      call.on('error', () => {}); // the peer has gone; 'close' or 'cancelled' says so too
      get(call, parts).catch((reason: unknown) => call.emit('error', failed(call, reason)));
    },
    kept: (call: ServerWritableStream<wire.KeptRequest, wire.KeptPart>) => {
      call.on('error', () => {});
      const send = async () => {
        parts.mustBePerson(call);
        await sendKept(call, parts.home, decodeTrialId(call.request.trialId));
      };
      send().catch((reason: unknown) => call.emit('error', failed(call, reason)));
    },
    put: (call: ServerReadableStream<wire.PutRequest, wire.PutResponse>, callback: sendUnaryData<wire.PutResponse>) => {
      put(call, parts).then(
        () => callback(null, {}),
        (reason: unknown) => callback(failed(call, reason)),
      );
    },
  };
}

async function missing(
  call: ServerUnaryCall<wire.MissingRequest, wire.MissingResponse>,
  { store, referenced, accessOf }: StoreServiceParts,
): Promise<string[]> {
  const { files } = call.request;
  const scope = decodeScope(call.request.scope);
  mustBeOpen(accessOf(call, scope), scope);
  if (files.length > MAX_STORED_FILES) {
    throw new WireError(`${files.length} files in one call, expected at most ${MAX_STORED_FILES}`);
  }
  const absent: string[] = [];
  for (const content of files.map(decodeContent)) {
    const isHere = (await store.has(scope, content)) || (scope === '' && (await referenced.find(content)) !== null);
    if (!isHere) absent.push(content.sha256);
  }
  return absent;
}

async function get(
  call: ServerWritableStream<wire.GetRequest, wire.Chunk>,
  { store, referenced, accessOf }: StoreServiceParts,
): Promise<void> {
  const scope = decodeScope(call.request.scope);
  mustBeOpen(accessOf(call, scope), scope);
  const sha256 = decodeSha256(call.request.sha256);
  const start = safeInteger(call.request.offset, 'offset');
  const stored = store.pathOf(scope, sha256);
  const path = (scope === '' ? await referenced.find({ sha256 }) : null) ?? stored;
  const stream = createReadStream(path, { highWaterMark: MAX_CHUNK_BYTES, start });
  const gone = goneOf(call);
  try {
    for await (const data of stream as AsyncIterable<Buffer>) {
      if (gone.aborted) return;
      if (!call.write({ data })) await once(call, 'drain', { signal: gone });
    }
    call.end();
  } catch (reason) {
    if (gone.aborted) return;
    if ((reason as NodeJS.ErrnoException).code !== 'ENOENT') throw reason;
    throw new SweepError('STORE_MISSING', `there is no file with sha256 ${sha256} for ${named(scope)}`, {
      hint: scope === '' ? 'submit the sweep again from the machine that has its files' : '',
    });
  } finally {
    stream.destroy();
  }
}

async function put(
  call: ServerReadableStream<wire.PutRequest, wire.PutResponse>,
  { store, accessOf, idleMs = IDLE_MS }: StoreServiceParts,
): Promise<void> {
  const parts = (call as AsyncIterable<wire.PutRequest>)[Symbol.asyncIterator]();
  const first = ((await parts.next()) as IteratorResult<wire.PutRequest, undefined>).value?.part;
  if (first?.$case !== 'header') throw new WireError('bytes came before their header');
  const scope = decodeScope(first.value.scope);
  const access = accessOf(call, scope);
  mustBeOpen(access, scope);
  if (access === 'read') {
    throw new SweepError('NOT_ALLOWED', `files of ${named(scope)} are not taken from a worker`, {
      hint: 'they come from whoever submits',
    });
  }
  const content = decodeContent(first.value);
  if (await store.has(scope, content)) return;
  try {
    await store.put(scope, content, bytesOf(parts, idleMs), callerOf(call));
  } catch (reason) {
    // Its folder went with the lease, and took what was being written with it.
    mustBeOpen(accessOf(call, scope), scope);
    throw reason;
  }
}

/** Told apart by the token, and one pool's workers by their names: both were looked at by now. */
function callerOf({ metadata }: Call): string {
  return JSON.stringify([...metadata.get('authorization'), ...metadata.get(WORKER_ID_KEY)].map(String));
}

/** Room is kept for what was announced: whoever announces and sends nothing must not keep it for ever. */
const IDLE_MS = 60_000;

async function* bytesOf(parts: AsyncIterator<wire.PutRequest>, idleMs: number): AsyncGenerator<Uint8Array> {
  let deadlineMs = performance.now() + idleMs;
  for (;;) {
    const next = await inTime(parts.next(), deadlineMs - performance.now(), idleMs);
    if (next.done === true) return;
    const { part } = next.value;
    if (part?.$case !== 'data') throw new WireError('something else than bytes came after the header');
    if (part.value.length === 0) continue;
    yield part.value;
    deadlineMs = performance.now() + idleMs;
  }
}

async function inTime<T>(coming: Promise<T>, withinMs: number, idleMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new SweepError('UNAVAILABLE', `no byte of a file came for ${idleMs / 1000} s`, {
      hint: 'send it again',
    });
    timer = setTimeout(() => reject(error), Math.max(0, withinMs));
  });
  coming.catch(() => {});
  try {
    return await Promise.race([coming, late]);
  } finally {
    clearTimeout(timer);
  }
}

function mustBeOpen(access: StoreAccess, scope: string): void {
  if (access !== 'none') return;
  throw new SweepError('NOT_ALLOWED', `files of ${named(scope)} are not for this caller`, {
    hint:
      scope === ''
        ? 'they are for workers, and for people with role submit'
        : "they are for the worker that holds its lease; an attempt that was lost is another worker's by now",
  });
}

function named(scope: string): string {
  return scope === '' ? 'what trials read' : `trial ${scope}`;
}
