/** The service for people and their programs. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { SweepError } from '../core/errors.js';
import type { Caller } from '../core/roles.js';
import type { Place } from '../core/sweep/place.js';
import type { WatchEvent } from '../core/watch-event.js';
import { decodePart, decodeSweepName, encodeWatchEvent } from '../wire/codec.js';
import type * as wire from '../wire/generated/dss/v1/client.js';
import { BoundedWriter } from './bounded-writer.js';
import type { Identities } from './identities.js';
import { createReadingCalls, type ReadingParts } from './reading-service.js';
import { serviceCalls } from './service-calls.js';
import { statusOf } from './status.js';
import { unknownSweep } from './sweeps.js';

export interface ClientServiceParts extends ReadingParts {
  readonly logger: Logger;
  readonly identities: Identities;
  /** What the sweeps ask of their places has changed. */
  readonly onDemand: () => void;
  /** Throws SweepError for a place where no trial could run. */
  readonly checkPlace: (place: Place) => void;
  readonly onStop: () => void;
}

/** What may wait for a watcher besides one piece of news about each trial of its sweep: workers, the summary. */
const WATCH_LIMIT = 10_000;

export function createClientService(parts: ClientServiceParts): wire.ClientServiceServer {
  const { loop, logger } = parts;
  const calls = serviceCalls(parts.identities, logger);
  const { unary, streaming } = calls;
  return {
    ...createReadingCalls(parts, calls),
    submit: unary((request: wire.SubmitRequest, { user }: Caller): wire.SubmitResponse => {
      const part = decodePart(request);
      if (part.last) parts.checkPlace(part.options.place);
      const answer = loop.submit({ ...part, owner: user });
      if (answer.toRun > 0) parts.onDemand();
      return answer;
    }),
    retry: unary((request: wire.RetryRequest): wire.RetryResponse => {
      const sweep = decodeSweepName(request.sweep);
      const queued = loop.sweeps.retry(sweep, { onlyFailed: request.onlyFailed ?? false });
      parts.onDemand();
      return { queued };
    }),
    pause: unary((request: wire.PauseRequest): wire.PauseResponse => {
      loop.sweeps.pause(decodeSweepName(request.sweep), 'by hand');
      return {};
    }),
    resume: unary((request: wire.ResumeRequest): wire.ResumeResponse => {
      loop.sweeps.resume(decodeSweepName(request.sweep));
      parts.onDemand();
      return {};
    }),
    watch: streaming((call: ServerWritableStream<wire.WatchRequest, wire.WatchEvent>) => watch(call, parts)),
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
