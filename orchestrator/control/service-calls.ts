/** What all calls of the service for people have in common: who asks, how errors travel, and that nobody is sent too much. */
import { once } from 'node:events';
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { SweepError } from '../core/errors.js';
import type { Caller } from '../core/roles.js';
import { WireError } from '../wire/codec.js';
import type { Identities } from './identities.js';
import { statusOf } from './status.js';

export interface ServiceCalls {
  unary<Request, Response>(
    answer: (request: Request, caller: Caller) => Response,
  ): (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => void;
  streaming<Request, Response>(
    serve: (call: ServerWritableStream<Request, Response>) => void | Promise<void>,
  ): (call: ServerWritableStream<Request, Response>) => void;
}

export function serviceCalls(identities: Identities, logger: Logger): ServiceCalls {
  const failed = (path: string, reason: unknown) => {
    if (!(reason instanceof SweepError || reason instanceof WireError)) logger.error({ err: reason }, `${path} failed`);
    return statusOf(reason);
  };
  return {
    unary: (answer) => (call, callback) => {
      let response: ReturnType<typeof answer>;
      try {
        response = answer(call.request, identities.callerOf(call));
      } catch (reason) {
        callback(failed(call.getPath(), reason));
        return;
      }
      callback(null, response);
    },
    streaming: (serve) => (call) => {
      call.on('error', () => {}); // the peer has gone; 'close' or 'cancelled' says so too
      void (async () => {
        try {
          identities.callerOf(call);
          await serve(call);
        } catch (reason) {
          call.emit('error', failed(call.getPath(), reason));
        }
      })();
    },
  };
}

/** Aborted when the peer has gone, or has heard all. */
export function goneOf(call: ServerWritableStream<unknown, unknown>): AbortSignal {
  const gone = new AbortController();
  for (const event of ['cancelled', 'close']) call.on(event, () => gone.abort());
  return gone.signal;
}

/** No faster than the peer reads. Between two messages everybody else has a turn: this is one process for all. */
export async function sendAll<T>(
  call: ServerWritableStream<unknown, T>,
  messages: Iterable<T> | AsyncIterable<T>,
  gone: AbortSignal,
): Promise<void> {
  for await (const message of messages) {
    if (!call.write(message)) {
      await once(call, 'drain', { signal: gone }).catch((reason: unknown) => {
        if (!gone.aborted) throw reason;
      });
    } else await new Promise((resolve) => setImmediate(resolve));
    if (gone.aborted) return;
  }
  call.end();
}

const PAGE_BYTES = 1024 * 1024;
const PAGE_ITEMS = 500;

/** Pieces far below the limit of a message. `bytesOf` may be rough. */
export function* paged<T>(
  items: Iterable<T>,
  bytesOf: (item: T, before: T | undefined) => number,
): Generator<readonly T[]> {
  let page: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = bytesOf(item, page.at(-1));
    if (page.length > 0 && (bytes + more > PAGE_BYTES || page.length >= PAGE_ITEMS)) {
      yield page;
      [page, bytes] = [[], 0];
    }
    page.push(item);
    bytes += more;
  }
  if (page.length > 0) yield page;
}
