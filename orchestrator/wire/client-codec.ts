/** Messages of client.proto ↔ what people and their programs ask and are told. */
import type { TrialState } from '../core/domain.js';
import type { ResultGlance } from '../core/records.js';
import { type JsonValue, LAUNCHED_POOL, LOCAL, PLACE_NAMES, type Place, type PlaceName } from '../core/sweep/place.js';
import type { SubmissionPart } from '../core/sweep/submission.js';
import { MAX_PRIORITY, MAX_WEIGHT, type SweepOptions } from '../core/sweep/sweep-options.js';
import type { TrialProgress } from '../core/trial-progress.js';
import type { SweepSummary, TrialChange, WatchEvent, WorkerState } from '../core/watch-event.js';
import { decodeFailure, decodeTrial, encodeFailure, encodeTrial } from './common-codec.js';
import { matching, oneOf, positive, SWEEP_NAME, TRIAL_ID, WireError, wholeBetween } from './fields.js';
import type * as wire from './generated/dss/v1/client.js';

/** Trials in one Submit. */
export const MAX_TRIALS_PER_PART = 2_000;

export const TRIAL_STATES: Record<TrialState, true> = {
  queued: true,
  running: true,
  succeeded: true,
  failed: true,
  cancelled: true,
};

/** Who submits is not said: whoever is asked knows it. */
export function encodePart(part: Omit<SubmissionPart, 'owner'>): wire.SubmitRequest {
  const { sweep, first, trials, last, retryFailed, rerun, extend, options } = part;
  return {
    sweep,
    first,
    last,
    retryFailed,
    rerun,
    extend,
    options: encodeSweepOptions(options),
    trials: trials.map((trial) => ({ trialId: trial.trialId, ...encodeTrial(trial) })),
  };
}

export function decodePart(request: wire.SubmitRequest): Omit<SubmissionPart, 'owner'> {
  if (request.trials.length > MAX_TRIALS_PER_PART) {
    throw new WireError(`${request.trials.length} trials in one call, expected at most ${MAX_TRIALS_PER_PART}`);
  }
  return {
    sweep: decodeSweepName(request.sweep),
    first: request.first ?? 0,
    trials: request.trials.map((trial) => decodeTrial(trial.trialId, trial)),
    last: request.last ?? false,
    retryFailed: request.retryFailed ?? false,
    rerun: request.rerun ?? false,
    extend: request.extend ?? false,
    options: decodeSweepOptions(request.options),
  };
}

export function encodeSweepOptions({ priority, weight, budget, place, compare }: SweepOptions): wire.SweepOptions {
  const { wallHours, deviceHours, failedTrials } = budget;
  return {
    priority,
    weight,
    budget: {
      wallHours: wallHours ?? undefined,
      deviceHours: deviceHours ?? undefined,
      failedTrials: failedTrials ?? undefined,
    },
    place: JSON.stringify(place),
    compare: JSON.stringify(compare),
  };
}

export function decodeSweepOptions(message: wire.SweepOptions | undefined): SweepOptions {
  const { wallHours, deviceHours, failedTrials } = message?.budget ?? {};
  return {
    priority: wholeBetween(message?.priority, -MAX_PRIORITY, MAX_PRIORITY, 'priority'),
    weight: positive(message?.weight ?? 1, 'weight', MAX_WEIGHT),
    budget: {
      wallHours: wallHours === undefined ? null : positive(wallHours, 'budget wall_hours'),
      deviceHours: deviceHours === undefined ? null : positive(deviceHours, 'budget device_hours'),
      failedTrials: failedTrials === undefined ? null : positive(failedTrials, 'budget failed_trials'),
    },
    place: decodePlace(message?.place),
    compare: jsonOf(message?.compare, 'compare') ?? null,
  };
}

/** The settings in it are for the place's launcher to check. */
function decodePlace(text: string | undefined): Place {
  const value = jsonOf(text, 'place');
  if (value === undefined) return LOCAL;
  const { on, pools, settings } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Place>;
  const isPool = (pool: unknown) => typeof pool === 'string' && LAUNCHED_POOL.test(pool);
  const isMapping = typeof settings === 'object' && settings !== null && !Array.isArray(settings);
  if (PLACE_NAMES.some((name) => name === on) && isMapping && Array.isArray(pools) && pools.every(isPool)) {
    return { on: on as PlaceName, pools: pools as readonly string[], settings };
  }
  throw new WireError('place is not one, expected on, pools and settings');
}

/** Far above what a person writes. */
const MOST_JSON = 256 * 1024;

function jsonOf(text: string | undefined, name: string): JsonValue | undefined {
  if (text === undefined || text === '') return undefined;
  if (text.length > MOST_JSON)
    throw new WireError(`${name} has ${text.length} characters, expected ${MOST_JSON} at most`);
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new WireError(`${name} is no JSON`);
  }
}

export function decodeSweepName(name: string | undefined): string {
  return matching(name, SWEEP_NAME, 'sweep');
}

export function decodeTrialId(trialId: string | undefined): string {
  return matching(trialId, TRIAL_ID, 'trial_id');
}

export function encodeSummary({ sweep, total, counts }: SweepSummary): wire.SweepSummary {
  return { sweep, total, ...counts };
}

export function decodeSummary(message: wire.SweepSummary): SweepSummary {
  return {
    sweep: message.sweep ?? '',
    total: message.total ?? 0,
    counts: {
      queued: message.queued ?? 0,
      running: message.running ?? 0,
      succeeded: message.succeeded ?? 0,
      failed: message.failed ?? 0,
      cancelled: message.cancelled ?? 0,
    },
  };
}

export function encodeChange({ trialId, state, attempt, workerId, failure, result }: TrialChange): wire.TrialChange {
  return {
    trialId,
    state,
    attempt,
    workerId,
    failure: failure === null ? undefined : encodeFailure(failure),
    testAccuracy: result?.testAccuracy,
    seconds: result?.seconds,
    environment: { ...result?.environment },
  };
}

export function decodeChange(message: wire.TrialChange): TrialChange {
  const state = oneOf(message.state, TRIAL_STATES, 'state');
  return {
    trialId: decodeTrialId(message.trialId),
    state,
    attempt: message.attempt ?? 0,
    workerId: message.workerId ?? '',
    failure: message.failure === undefined ? null : decodeFailure(message.failure),
    result: state === 'succeeded' ? resultIn(message) : null,
  };
}

function resultIn({ testAccuracy = 0, seconds = 0, environment }: wire.TrialChange): ResultGlance {
  return { testAccuracy, seconds, environment: { ...environment } };
}

function decodeWorker(message: wire.WorkerState): WorkerState {
  return {
    workerId: message.workerId ?? '',
    slots: message.slots ?? 0,
    running: message.running.map(decodeProgress),
    gone: message.gone ?? false,
  };
}

export function encodeRunning(running: readonly TrialProgress[]): wire.TrialProgress[] {
  return running.map((each) => ({ ...each }));
}

export function decodeProgress(message: wire.TrialProgress): TrialProgress {
  return {
    trialId: decodeTrialId(message.trialId),
    step: message.step ?? 0,
    maxSteps: message.maxSteps ?? 0,
    loss: message.loss ?? 0,
    examplesPerSecond: message.examplesPerSecond ?? 0,
    phase: message.phase ?? '',
  };
}

export function encodeWatchEvent(event: WatchEvent): wire.WatchEvent {
  switch (event.kind) {
    case 'summary':
      return { event: { $case: 'summary', value: encodeSummary(event.summary) } };
    case 'trial':
      return { event: { $case: 'trial', value: encodeChange(event.trial) } };
    case 'worker':
      return { event: { $case: 'worker', value: { ...event.worker, running: encodeRunning(event.worker.running) } } };
  }
}

export function decodeWatchEvent({ event }: wire.WatchEvent): WatchEvent {
  switch (event?.$case) {
    case undefined:
      throw new WireError('a watch event says nothing that is known here');
    case 'summary':
      return { kind: 'summary', summary: decodeSummary(event.value) };
    case 'trial':
      return { kind: 'trial', trial: decodeChange(event.value) };
    case 'worker':
      return { kind: 'worker', worker: decodeWorker(event.value) };
  }
}
