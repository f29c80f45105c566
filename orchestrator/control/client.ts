/** The client service as the rest of the program sees it. */
import type { ClientTls } from '../auth/tls-files.js';
import type { DatasetSource, ModelSource, Trial } from '../core/domain.js';
import { DEFAULT_SWEEP_OPTIONS, type SweepOptions } from '../core/sweep/sweep-options.js';
import type { WatchEvent } from '../core/watch-event.js';
import { decodeWatchEvent, encodeDataset, encodeModel, encodePart, MAX_TRIALS_PER_PART } from '../wire/codec.js';
import { ClientServiceClient } from '../wire/generated/dss/v1/client.js';
import * as common from '../wire/generated/dss/v1/common.js';
import { ask, read } from './calls.js';
import { channelTo } from './channel.js';
import { createReadingClient, type ReadingClient } from './reading-client.js';
import { bearer } from './tokens.js';

export interface SubmitOptions {
  /** Queue failed trials again whatever they failed of. */
  readonly retryFailed: boolean;
  /** Queue trials again that have a result. */
  readonly rerun?: boolean;
  /** Join the trials that the sweep has. */
  readonly extend?: boolean;
  readonly options?: SweepOptions;
}

export interface SubmitCounts {
  readonly done: number;
  readonly toRun: number;
  readonly failed: number;
}

/** Every method throws SweepError. */
export interface Client extends ReadingClient {
  submit(sweep: string, trials: readonly Trial[], options: SubmitOptions): Promise<SubmitCounts>;
  /** Ends with the sweep, or when the signal is aborted. */
  watch(sweep: string, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** Gives how many trials are queued again. */
  retry(sweep: string, options: { readonly onlyFailed: boolean }): Promise<number>;
  pause(sweep: string): Promise<void>;
  resume(sweep: string): Promise<void>;
  /** Gives how many trials were cancelled. */
  cancel(sweep: string): Promise<number>;
  /** Drains and ends the control plane. */
  stop(): Promise<void>;
  close(): void;
}

export interface ClientOptions {
  /** HOST:PORT. */
  readonly address: string;
  readonly token: string;
  /** Needed beyond this machine. */
  readonly tls?: ClientTls;
}

/** @throws SweepError AUTH_INVALID */
export function connectClient({ address, token, tls }: ClientOptions): Client {
  const channel = channelTo(address, tls ?? null);
  const client = new ClientServiceClient(address, channel.credentials, channel.options);
  const metadata = bearer(token);

  return {
    ...createReadingClient(client, metadata),
    async submit(sweep, trials, { retryFailed, rerun = false, extend = false, options = DEFAULT_SWEEP_OPTIONS }) {
      let counts: SubmitCounts = { done: 0, toRun: 0, failed: 0 };
      let first = 0;
      for (const { part, last } of partsOf(trials)) {
        const request = encodePart({ sweep, first, trials: part, last, retryFailed, rerun, extend, options });
        const answer = await ask<{
          done?: number | undefined;
          toRun?: number | undefined;
          failed?: number | undefined;
        }>((callback) => client.submit(request, metadata, callback));
        counts = { done: answer.done ?? 0, toRun: answer.toRun ?? 0, failed: answer.failed ?? 0 };
        first += part.length;
      }
      return counts;
    },
    async *watch(sweep, signal) {
      for await (const message of read(client.watch({ sweep }, metadata), signal)) yield decodeWatchEvent(message);
    },
    async retry(sweep, { onlyFailed }) {
      const { queued } = await ask<{ queued?: number | undefined }>((callback) =>
        client.retry({ sweep, onlyFailed }, metadata, callback),
      );
      return queued ?? 0;
    },
    async pause(sweep) {
      await ask<object>((callback) => client.pause({ sweep }, metadata, callback));
    },
    async resume(sweep) {
      await ask<object>((callback) => client.resume({ sweep }, metadata, callback));
    },
    async cancel(sweep) {
      const { cancelled } = await ask<{ cancelled?: number | undefined }>((callback) =>
        client.cancel({ sweep }, metadata, callback),
      );
      return cancelled ?? 0;
    },
    async stop() {
      await ask<object>((callback) => client.stop({}, metadata, callback));
    },
    close: () => client.close(),
  };
}

/** Half of what a message may have, so that estimates need not be exact. */
const PART_BYTES = 4 * 1024 * 1024;
/** The settings and ids of one trial. */
const TRIAL_BYTES = 512;

/** At least one part, so that a sweep without trials is one too. */
function* partsOf(trials: readonly Trial[]): Generator<{ part: readonly Trial[]; last: boolean }> {
  const sizes = new WeakMap<object, number>();
  const sizeOf = (source: ModelSource | DatasetSource): number => {
    let size = sizes.get(source);
    if (size === undefined) {
      size =
        'layout' in source
          ? common.DatasetSource.encode(encodeDataset(source)).finish().length
          : common.ModelSource.encode(encodeModel(source)).finish().length;
      sizes.set(source, size);
    }
    return size;
  };
  let [from, bytes] = [0, 0];
  for (const [index, { settings, model, dataset }] of trials.entries()) {
    const size = TRIAL_BYTES + 4 * (settings.model.length + settings.dataset.length) + sizeOf(model) + sizeOf(dataset);
    if (index > from && (index - from >= MAX_TRIALS_PER_PART || bytes + size > PART_BYTES)) {
      yield { part: trials.slice(from, index), last: false };
      [from, bytes] = [index, 0];
    }
    bytes += size;
  }
  yield { part: trials.slice(from), last: true };
}
