/** The service for people and their programs. */
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { SweepError } from '../core/errors.js';
import type { Caller } from '../core/roles.js';
import type { WatchEvent } from '../core/watch-event.js';
import type { Journal } from '../journal/journal.js';
import {
  decodePart,
  decodeSweepName,
  decodeTrialId,
  encodeSummary,
  encodeWatchEvent,
  WireError,
} from '../wire/codec.js';
import type * as wire from '../wire/generated/dss/v1/client.js';
import { BoundedWriter } from './bounded-writer.js';
import type { ControlLoop } from './control-loop.js';
import type { Identities } from './identities.js';
import type { LogStore } from './log-store.js';
import { statusOf } from './status.js';
import { unknownSweep } from './sweeps.js';

export interface ClientServiceParts {
  readonly loop: ControlLoop;
  readonly journal: Journal;
  readonly logs: LogStore;
  readonly logger: Logger;
  readonly identities: Identities;
  /** So many trials of a sweep wait or run. */
  readonly onSubmitted: (trials: number) => void;
  readonly onStop: () => void;
}

/** What may wait for a watcher besides one piece of news about each trial of its sweep: workers, the summary. */
const WATCH_LIMIT = 10_000;
/** A piece of log is at most this many lines of at most 8 KiB: far below the limit of a message. */
const LINES_PER_CHUNK = 200;

export function createClientService(parts: ClientServiceParts): wire.ClientServiceServer {
  const { loop, journal, logger } = parts;

  function unary<Request, Response>(answer: (request: Request, caller: Caller) => Response) {
    return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      let response: Response;
      try {
        response = answer(call.request, parts.identities.callerOf(call));
      } catch (reason) {
        if (!isExpected(reason)) logger.error({ err: reason }, `${call.getPath()} failed`);
        callback(statusOf(reason));
        return;
      }
      callback(null, response);
    };
  }

  function streaming<Request, Response>(serve: (call: ServerWritableStream<Request, Response>) => void) {
    return (call: ServerWritableStream<Request, Response>): void => {
      call.on('error', () => {}); // the peer has gone; 'close' or 'cancelled' says so too
      try {
        parts.identities.callerOf(call);
        serve(call);
      } catch (reason) {
        if (!isExpected(reason)) logger.error({ err: reason }, `${call.getPath()} failed`);
        call.emit('error', statusOf(reason));
      }
    };
  }

  return {
    submit: unary((request: wire.SubmitRequest, { user }: Caller): wire.SubmitResponse => {
      const answer = loop.submit({ ...decodePart(request), owner: user });
      parts.onSubmitted(answer.toRun);
      return answer;
    }),
    retry: unary((request: wire.RetryRequest): wire.RetryResponse => {
      const sweep = decodeSweepName(request.sweep);
      const queued = loop.sweeps.retry(sweep, { onlyFailed: request.onlyFailed ?? false });
      parts.onSubmitted(queued);
      return { queued };
    }),
    pause: unary((request: wire.PauseRequest): wire.PauseResponse => {
      loop.sweeps.pause(decodeSweepName(request.sweep), 'by hand');
      return {};
    }),
    resume: unary((request: wire.ResumeRequest): wire.ResumeResponse => {
      parts.onSubmitted(loop.sweeps.resume(decodeSweepName(request.sweep)));
      return {};
    }),
    list: unary((_: wire.ListRequest): wire.ListResponse => ({ sweeps: journal.sweeps().map(encodeSummary) })),
    watch: streaming((call: ServerWritableStream<wire.WatchRequest, wire.WatchEvent>) => watch(call, parts)),
    logs: streaming((call: ServerWritableStream<wire.LogsRequest, wire.LogsChunk>) => {
      void sendLog(call, parts).catch((reason: unknown) => call.emit('error', statusOf(reason)));
    }),
    cancel: unary((request: wire.CancelRequest): wire.CancelResponse => {
      return { cancelled: loop.cancel(decodeSweepName(request.sweep)) };
    }),
    stop: unary((_: wire.StopRequest): wire.StopResponse => {
      setImmediate(parts.onStop);
      return {};
    }),
  };
}

function watch(
  call: ServerWritableStream<wire.WatchRequest, wire.WatchEvent>,
  { loop, journal }: ClientServiceParts,
): void {
  const sweep = decodeSweepName(call.request.sweep);
  const record = journal.sweep(sweep);
  if (record === null) throw unknownSweep(sweep);
  const writer = new BoundedWriter<wire.WatchEvent>(call, record.total + WATCH_LIMIT, () =>
    call.emit('error', statusOf(new SweepError('UNAVAILABLE', 'the watcher did not read what it was told'))),
  );
  let isTold = false;
  const forget = loop.watch(sweep, {
    tell: (event) => {
      isTold = true;
      writer.send(encodeWatchEvent(event), newsOf(event));
    },
    end: () => {
      // A sweep of a former control plane that was not submitted to this one: it is what it is.
      if (!isTold) writer.send(encodeWatchEvent({ kind: 'summary', summary: record }));
      writer.whenEmpty(() => call.end());
    },
    fail: (error) => call.emit('error', statusOf(error)),
  });
  for (const event of ['cancelled', 'close', 'error']) {
    call.on(event, () => {
      forget();
      writer.close();
    });
  }
}

function newsOf(event: WatchEvent): string {
  switch (event.kind) {
    case 'summary':
      return 'summary';
    case 'trial':
      return `trial ${event.trial.trialId}`;
    case 'worker':
      return `worker ${event.worker.workerId}`;
  }
}

async function sendLog(
  call: ServerWritableStream<wire.LogsRequest, wire.LogsChunk>,
  { loop, journal, logs }: ClientServiceParts,
): Promise<void> {
  const trialId = decodeTrialId(call.request.trialId);
  if (journal.trial(trialId) === null) throw new SweepError('TRIAL_UNKNOWN', `there is no trial ${trialId}`);
  const gone = new AbortController();
  for (const event of ['cancelled', 'close']) call.on(event, () => gone.abort());
  const goesOn = () => call.request.follow === true && loop.isOpen(trialId);
  for await (const lines of logs.read(trialId, goesOn, gone.signal)) {
    for (let from = 0; from < lines.length; from += LINES_PER_CHUNK) {
      if (call.write({ lines: lines.slice(from, from + LINES_PER_CHUNK) })) continue;
      await new Promise<void>((resolve) => {
        call.once('drain', resolve);
        gone.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (gone.signal.aborted) return;
    }
  }
  call.end();
}

function isExpected(reason: unknown): boolean {
  return reason instanceof SweepError || reason instanceof WireError;
}
