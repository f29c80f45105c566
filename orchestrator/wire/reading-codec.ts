/** Messages of client.proto by which sweeps, trials and workers are looked at ↔ what the journal knows of them. */
import type { DatasetSource, ModelSource, TrialSettings } from '../core/domain.js';
import type { SweepRecord, TrialMeasurements, TrialRecord } from '../core/records.js';
import type { SweepState } from '../core/sweep/sweep-options.js';
import type { WorkerStanding } from '../core/worker-standing.js';
import {
  decodeProgress,
  decodeSummary,
  decodeSweepOptions,
  decodeTrialId,
  encodeRunning,
  encodeSummary,
  encodeSweepOptions,
  TRIAL_STATES,
} from './client-codec.js';
import {
  decodeDataset,
  decodeEvaluation,
  decodeFailure,
  decodeModel,
  decodePoint,
  decodeResult,
  decodeRun,
  decodeSettings,
  encodeDataset,
  encodeEvaluation,
  encodeFailure,
  encodeModel,
  encodePoint,
  encodeResult,
  encodeRun,
  encodeSettings,
} from './common-codec.js';
import { matching, oneOf, required, safeInteger, WireError, wholeBetween } from './fields.js';
import type * as wire from './generated/dss/v1/client.js';
import { decodeLoad, encodeLoads } from './load-codec.js';

/** Trials that one Standing asks about. */
export const MAX_STANDINGS = 1_000;
const MAX_FOUND = 100;
const PREFIX = /^[0-9a-f]{1,20}$/;

const SWEEP_STATES: Record<SweepState, true> = { active: true, paused: true, cancelled: true };
const WORKER_STATES: Record<WorkerStanding['state'], true> = {
  idle: true,
  busy: true,
  gone: true,
  draining: true,
  drained: true,
};

export function encodeWorkerStanding({ devices, load, running, ...worker }: WorkerStanding): wire.WorkerStanding {
  const { devices: loads, warm } = load ?? { devices: [], warm: 0 };
  return { ...worker, devices: [...devices], loads: encodeLoads(loads), warm, running: encodeRunning(running) };
}

export function decodeWorkerStanding(message: wire.WorkerStanding): WorkerStanding {
  return {
    workerId: message.workerId ?? '',
    host: message.host ?? '',
    slots: message.slots ?? 0,
    lent: message.lent ?? 0,
    state: oneOf(message.state, WORKER_STATES, 'worker state'),
    reason: message.reason ?? '',
    devices: [...message.devices],
    load: message.loads.length === 0 ? null : decodeLoad(message.loads, message.warm),
    running: message.running.map(decodeProgress),
  };
}

export function encodeSweepRecord({ standing, submittedAtUnixMs, ...summary }: SweepRecord): wire.SweepRecord {
  const { state, reason, owner, options, declaredAtUnixMs } = standing;
  return {
    summary: encodeSummary(summary),
    submittedAtUnixMs: BigInt(submittedAtUnixMs),
    state,
    reason,
    owner,
    options: encodeSweepOptions(options),
    declaredAtUnixMs: BigInt(declaredAtUnixMs),
  };
}

export function decodeSweepRecord(message: wire.SweepRecord): SweepRecord {
  return {
    ...decodeSummary(required(message.summary, 'summary')),
    submittedAtUnixMs: safeInteger(message.submittedAtUnixMs, 'submitted_at_unix_ms'),
    standing: {
      state: oneOf(message.state, SWEEP_STATES, 'sweep state'),
      reason: message.reason ?? '',
      owner: message.owner ?? '',
      options: decodeSweepOptions(message.options),
      declaredAtUnixMs: safeInteger(message.declaredAtUnixMs, 'declared_at_unix_ms'),
    },
  };
}

export function decodeStandingRequest({ trialIds }: wire.StandingRequest): readonly string[] {
  if (trialIds.length > MAX_STANDINGS) {
    throw new WireError(`${trialIds.length} trials in one call, expected at most ${MAX_STANDINGS}`);
  }
  return trialIds.map(decodeTrialId);
}

export function decodeFindRequest({ prefix, limit }: wire.FindTrialsRequest): { prefix: string; limit: number } {
  return { prefix: matching(prefix, PREFIX, 'prefix'), limit: wholeBetween(limit, 1, MAX_FOUND, 'limit') };
}

export function encodeTrialsPage(records: readonly TrialRecord[]): wire.TrialsPage {
  // By identity: readers of the journal share what is equal.
  const models = new Map<ModelSource, number>();
  const datasets = new Map<DatasetSource, number>();
  const trials = records.map(({ trial, state, attempts, result, failure, ...at }): wire.TrialRecord => {
    const model = models.get(trial.model) ?? models.size;
    const dataset = datasets.get(trial.dataset) ?? datasets.size;
    models.set(trial.model, model);
    datasets.set(trial.dataset, dataset);
    return {
      trialId: trial.trialId,
      settings: encodeSettings(trial.settings),
      model,
      dataset,
      run: encodeRun(trial.run),
      state,
      attempts,
      result: result === null ? undefined : encodeResult(result),
      failure: failure === null ? undefined : encodeFailure(failure),
      queuedAtUnixMs: BigInt(at.queuedAtUnixMs),
      startedAtUnixMs: at.startedAtUnixMs === null ? undefined : BigInt(at.startedAtUnixMs),
      endedAtUnixMs: at.endedAtUnixMs === null ? undefined : BigInt(at.endedAtUnixMs),
    };
  });
  return { models: [...models.keys()].map(encodeModel), datasets: [...datasets.keys()].map(encodeDataset), trials };
}

export function decodeTrialsPage(page: wire.TrialsPage): readonly TrialRecord[] {
  const models = page.models.map(decodeModel);
  const datasets = page.datasets.map(decodeDataset);
  return page.trials.map((message) => ({
    trial: {
      trialId: decodeTrialId(message.trialId),
      settings: asInJournal(decodeSettings(message.settings)),
      model: required(models[message.model ?? 0], 'model'),
      dataset: required(datasets[message.dataset ?? 0], 'dataset'),
      run: decodeRun(message.run),
    },
    state: oneOf(message.state, TRIAL_STATES, 'state'),
    attempts: message.attempts ?? 0,
    result: message.result === undefined ? null : decodeResult(message.result),
    failure: message.failure === undefined ? null : decodeFailure(message.failure),
    queuedAtUnixMs: safeInteger(message.queuedAtUnixMs, 'queued_at_unix_ms'),
    startedAtUnixMs: timeOf(message.startedAtUnixMs, 'started_at_unix_ms'),
    endedAtUnixMs: timeOf(message.endedAtUnixMs, 'ended_at_unix_ms'),
  }));
}

/** In the same order: tables have a column for each, wherever their trials were read. */
function asInJournal(settings: TrialSettings): TrialSettings {
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted) as unknown as TrialSettings;
}

function timeOf(value: bigint | undefined, name: string): number | null {
  return value === undefined ? null : safeInteger(value, name);
}

export function encodeMeasurements(
  trialId: string,
  { training, evaluations }: TrialMeasurements,
): wire.TrialMeasurements {
  return { trialId, training: training.map(encodePoint), evaluations: evaluations.map(encodeEvaluation) };
}

export function decodeMeasurements(message: wire.TrialMeasurements): TrialMeasurements & { readonly trialId: string } {
  return {
    trialId: decodeTrialId(message.trialId),
    training: message.training.map(decodePoint),
    evaluations: message.evaluations.map(decodeEvaluation),
  };
}
