/** The part of the service for people that changes nothing: sweeps, trials and workers as they are. */
import { hostname } from 'node:os';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { DatasetSource, ModelSource } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { Notice } from '../core/notice.js';
import { glanceOfResult, type TrialMeasurements, type TrialRecord } from '../core/records.js';
import type { TrialChange } from '../core/watch-event.js';
import type { Journal } from '../journal/journal.js';
import {
  decodeFindRequest,
  decodeStandingRequest,
  decodeSweepName,
  decodeTrialId,
  encodeChange,
  encodeMeasurements,
  encodeSweepRecord,
  encodeTrialsPage,
  encodeWorkerStanding,
  WireError,
} from '../wire/codec.js';
import type * as wire from '../wire/generated/dss/v1/client.js';
import type { ControlLoop } from './control-loop.js';
import type { LogStore } from './log-store.js';
import { goneOf, paged, type ServiceCalls, sendAll } from './service-calls.js';
import { unknownSweep } from './sweeps.js';

export interface ReadingParts {
  readonly loop: ControlLoop;
  readonly journal: Journal;
  readonly logs: LogStore;
  /** Of dss. */
  readonly version: string;
  readonly home: string;
  /** What its file `id` says. */
  readonly homeId: string;
  /** Of files, for those who come by this port; 0: they do not travel. */
  readonly storePort: number;
  /** What keeps trials from running. */
  readonly notices: () => readonly Notice[];
}

const SWEEPS_PER_LIST = 1_000;
/** A piece of log is at most this many lines of at most 8 KiB: far below the limit of a message. */
const LINES_PER_CHUNK = 200;

type ReadingCalls = Pick<
  wire.ClientServiceServer,
  'info' | 'list' | 'standing' | 'findTrials' | 'trials' | 'measurements' | 'logs'
>;

export function createReadingCalls(parts: ReadingParts, { unary, streaming }: ServiceCalls): ReadingCalls {
  const { loop, journal, version, home, homeId, storePort } = parts;
  return {
    info: unary((_: wire.InfoRequest): wire.InfoResponse => {
      const workers = loop.workers().map(encodeWorkerStanding);
      return { version, home, homeId, storePort, host: hostname(), workers, notices: [...parts.notices()] };
    }),
    list: unary((request: wire.ListRequest): wire.ListResponse => {
      if (request.sweep !== undefined) {
        const record = journal.sweep(decodeSweepName(request.sweep));
        return { sweeps: record === null ? [] : [encodeSweepRecord(record)], more: false };
      }
      const rest = journal.sweeps().slice(request.first ?? 0);
      return { sweeps: rest.slice(0, SWEEPS_PER_LIST).map(encodeSweepRecord), more: rest.length > SWEEPS_PER_LIST };
    }),
    standing: unary((request: wire.StandingRequest): wire.StandingResponse => {
      const records = decodeStandingRequest(request).map((trialId) => journal.trial(trialId));
      return { trials: records.flatMap((record) => (record === null ? [] : [encodeChange(changeOf(record))])) };
    }),
    findTrials: unary((request: wire.FindTrialsRequest): wire.FindTrialsResponse => {
      const { prefix, limit } = decodeFindRequest(request);
      return { trialIds: [...journal.trialIds(prefix, limit)] };
    }),
    trials: streaming((call: ServerWritableStream<wire.TrialsRequest, wire.TrialsPage>) =>
      sendAll(call, trialPages(recordsOf(journal, call.request)), goneOf(call)),
    ),
    measurements: streaming((call: ServerWritableStream<wire.MeasurementsRequest, wire.MeasurementsPage>) => {
      const sweep = decodeSweepName(call.request.sweep);
      if (journal.sweep(sweep) === null) throw unknownSweep(sweep);
      return sendAll(call, measurementPages(journal, sweep), goneOf(call));
    }),
    logs: streaming((call: ServerWritableStream<wire.LogsRequest, wire.LogsChunk>) => sendLog(call, parts)),
  };
}

/** As a watcher would have been told. Its failure without the stack: thousands come together. */
function changeOf({ trial, state, attempts, failure, result }: TrialRecord): TrialChange {
  return {
    trialId: trial.trialId,
    state,
    attempt: attempts,
    workerId: '',
    failure: failure === null ? null : { ...failure, detail: '' },
    result: result === null ? null : glanceOfResult(result),
  };
}

function recordsOf(journal: Journal, { of }: wire.TrialsRequest): Iterable<TrialRecord> {
  if (of === undefined) throw new WireError('neither a sweep nor a trial is named');
  if (of.$case === 'trialId') return [mustKnow(journal, decodeTrialId(of.value))];
  const sweep = decodeSweepName(of.value);
  if (journal.sweep(sweep) === null) throw unknownSweep(sweep);
  return journal.trials(sweep);
}

function mustKnow(journal: Journal, trialId: string): TrialRecord {
  const record = journal.trial(trialId);
  if (record === null) throw new SweepError('TRIAL_UNKNOWN', `there is no trial ${trialId}`);
  return record;
}

/** Settings, times and what a result has. */
const RECORD_BYTES = 2_048;
const FILE_BYTES = 256;
/** Of UTF-8 for a unit of a string, at most. */
const UNIT_BYTES = 3;

function* trialPages(records: Iterable<TrialRecord>): Generator<wire.TrialsPage> {
  const bytesOf = ({ trial, failure }: TrialRecord, before: TrialRecord | undefined): number =>
    RECORD_BYTES +
    (failure === null ? 0 : UNIT_BYTES * (failure.message.length + failure.hint.length + failure.detail.length)) +
    (before?.trial.model === trial.model ? 0 : sourceBytes(trial.model)) +
    (before?.trial.dataset === trial.dataset ? 0 : sourceBytes(trial.dataset));
  for (const page of paged(records, bytesOf)) yield encodeTrialsPage(page);
}

function sourceBytes(source: ModelSource | DatasetSource): number {
  const choices = 'choices' in source ? source.choices.reduce((sum, { length }) => sum + length, 0) : 0;
  return FILE_BYTES * (1 + source.files.length) + UNIT_BYTES * choices;
}

interface Piece {
  readonly trialId: string;
  readonly measured: TrialMeasurements;
}

const POINT_BYTES = 16;
const EVALUATION_BYTES = 64;
const POINTS_PER_PIECE = 20_000;

function* measurementPages(journal: Journal, sweep: string): Generator<wire.MeasurementsPage> {
  const bytesOf = ({ measured: { training, evaluations } }: Piece): number =>
    EVALUATION_BYTES +
    POINT_BYTES * training.length +
    evaluations.reduce((sum, { correct }) => sum + EVALUATION_BYTES + correct.length, 0);
  for (const page of paged(piecesOf(journal, sweep), bytesOf)) {
    const trials = page.filter(({ measured: { training, evaluations } }) => training.length + evaluations.length > 0);
    // An empty page too: so that to look through a large sweep that has measured nothing does not hold up everybody.
    yield { trials: trials.map(({ trialId, measured }) => encodeMeasurements(trialId, measured)) };
  }
}

function* piecesOf(journal: Journal, sweep: string): Generator<Piece> {
  for (const { trialId } of journal.standings(sweep)) {
    const { training, evaluations } = journal.measurements(trialId);
    for (let from = 0; from === 0 || from < training.length; from += POINTS_PER_PIECE) {
      const points = training.slice(from, from + POINTS_PER_PIECE);
      yield { trialId, measured: { training: points, evaluations: [] } };
    }
    for (const evaluation of evaluations) yield { trialId, measured: { training: [], evaluations: [evaluation] } };
  }
}

async function sendLog(
  call: ServerWritableStream<wire.LogsRequest, wire.LogsChunk>,
  { loop, journal, logs }: ReadingParts,
): Promise<void> {
  const { trialId } = mustKnow(journal, decodeTrialId(call.request.trialId)).trial;
  const gone = goneOf(call);
  const goesOn = () => call.request.follow === true && loop.isOpen(trialId);
  await sendAll(call, chunks(logs.read(trialId, goesOn, gone)), gone);
}

async function* chunks(pieces: AsyncIterable<readonly string[]>): AsyncGenerator<wire.LogsChunk> {
  for await (const lines of pieces) {
    for (let from = 0; from < lines.length; from += LINES_PER_CHUNK) {
      yield { lines: lines.slice(from, from + LINES_PER_CHUNK) };
    }
  }
}
