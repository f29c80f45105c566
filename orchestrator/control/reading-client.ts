/** The part of the client that changes nothing. */
import type { Metadata } from '@grpc/grpc-js';
import type { Evaluation, TrainingPoint } from '../core/domain.js';
import type { Notice } from '../core/notice.js';
import type { SweepRecord, TrialMeasurements, TrialRecord } from '../core/records.js';
import type { TrialChange } from '../core/watch-event.js';
import type { WorkerStanding } from '../core/worker-standing.js';
import {
  decodeChange,
  decodeMeasurements,
  decodeSweepRecord,
  decodeTrialsPage,
  decodeWorkerStanding,
  MAX_STANDINGS,
} from '../wire/codec.js';
import type * as wire from '../wire/generated/dss/v1/client.js';
import { ask, read } from './calls.js';

export interface PlaneInfo {
  /** Of dss. */
  readonly version: string;
  /** The state folder, on its machine. */
  readonly home: string;
  readonly host: string;
  /** What the file `id` in the state folder says. */
  readonly homeId: string;
  /** Of files, on the host that was called; 0: they do not travel. */
  readonly storePort: number;
  readonly workers: readonly WorkerStanding[];
  /** What keeps trials from running. */
  readonly notices: readonly Notice[];
}

export interface MeasuredTrial extends TrialMeasurements {
  readonly trialId: string;
}

/** Every method throws SweepError. */
export interface ReadingClient {
  info(): Promise<PlaneInfo>;
  /** Newest submission first. */
  list(): Promise<readonly SweepRecord[]>;
  /** `null`: there is no such sweep. */
  sweep(name: string): Promise<SweepRecord | null>;
  /** How trials stand, as a watcher would have been told; without those that nobody submitted. */
  standing(trialIds: readonly string[]): Promise<readonly TrialChange[]>;
  /** Ids beginning with a prefix, at most `limit` of them. */
  findTrials(prefix: string, limit: number): Promise<readonly string[]>;
  trial(trialId: string): Promise<TrialRecord>;
  /** In the sweep's order. */
  trials(sweep: string): AsyncIterable<TrialRecord>;
  /** Of the sweep's trials that have measured something, in its order. */
  measurements(sweep: string): AsyncIterable<MeasuredTrial>;
  logs(trialId: string, options: { readonly follow: boolean }, signal?: AbortSignal): AsyncIterable<string>;
}

export function createReadingClient(client: wire.ClientServiceClient, metadata: Metadata): ReadingClient {
  const list = (request: wire.ListRequest) =>
    ask<wire.ListResponse>((callback) => client.list(request, metadata, callback));
  const trials = (of: wire.TrialsRequest['of']) => records(read(client.trials({ of }, metadata)));
  return {
    async info() {
      const { version, home, host, homeId, storePort, workers, notices } = await ask<wire.InfoResponse>((callback) =>
        client.info({}, metadata, callback),
      );
      return {
        version: version ?? '',
        home: home ?? '',
        host: host ?? '',
        homeId: homeId ?? '',
        storePort: storePort ?? 0,
        workers: workers.map(decodeWorkerStanding),
        notices: notices.map(({ code = '', message = '', hint = '' }) => ({ code, message, hint })),
      };
    },
    async list() {
      const all: SweepRecord[] = [];
      for (;;) {
        const { sweeps, more } = await list({ sweep: undefined, first: all.length });
        all.push(...sweeps.map(decodeSweepRecord));
        if (more !== true || sweeps.length === 0) return all;
      }
    },
    async sweep(name) {
      const [record] = (await list({ sweep: name, first: 0 })).sweeps;
      return record === undefined ? null : decodeSweepRecord(record);
    },
    async standing(trialIds) {
      const all: TrialChange[] = [];
      for (let from = 0; from < trialIds.length; from += MAX_STANDINGS) {
        const request = { trialIds: trialIds.slice(from, from + MAX_STANDINGS) };
        const answer = await ask<wire.StandingResponse>((callback) => client.standing(request, metadata, callback));
        all.push(...answer.trials.map(decodeChange));
      }
      return all;
    },
    async findTrials(prefix, limit) {
      const { trialIds } = await ask<wire.FindTrialsResponse>((callback) =>
        client.findTrials({ prefix, limit }, metadata, callback),
      );
      return trialIds;
    },
    async trial(trialId) {
      // To the end: of streams that are broken off, HTTP/2 bears a thousand in a row.
      let found: TrialRecord | null = null;
      for await (const record of trials({ $case: 'trialId', value: trialId })) found = record;
      if (found !== null) return found;
      throw new Error(`the control plane said nothing of trial ${trialId}`);
    },
    trials: (sweep) => trials({ $case: 'sweep', value: sweep }),
    measurements: (sweep) => joined(read(client.measurements({ sweep }, metadata))),
    async *logs(trialId, { follow }, signal) {
      for await (const { lines } of read(client.logs({ trialId, follow }, metadata), signal)) yield* lines;
    },
  };
}

async function* records(pages: AsyncIterable<wire.TrialsPage>): AsyncGenerator<TrialRecord> {
  for await (const page of pages) yield* decodeTrialsPage(page);
}

interface Draft extends MeasuredTrial {
  readonly training: TrainingPoint[];
  readonly evaluations: Evaluation[];
}

/** What of one trial came in pieces, as one. */
async function* joined(pages: AsyncIterable<wire.MeasurementsPage>): AsyncGenerator<MeasuredTrial> {
  let draft = draftOf('');
  for await (const page of pages) {
    for (const { trialId, training, evaluations } of page.trials.map(decodeMeasurements)) {
      if (draft.trialId !== trialId) {
        if (draft.trialId !== '') yield draft;
        draft = draftOf(trialId);
      }
      draft.training.push(...training);
      draft.evaluations.push(...evaluations);
    }
  }
  if (draft.trialId !== '') yield draft;
}

function draftOf(trialId: string): Draft {
  return { trialId, training: [], evaluations: [] };
}
