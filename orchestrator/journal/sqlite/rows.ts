/**
 * Rows ↔ domain values. The texts in them were written by this program under the schema's version and
 * have passed SQLite's checks, so they are read back without another look at each field.
 */
import type {
  DatasetSource,
  Evaluation,
  Failure,
  ModelSource,
  RunOptions,
  TrainingPoint,
  TrialSettings,
  TrialState,
} from '../../core/domain.js';
import type { Environment } from '../../core/environment.js';
import { SweepError } from '../../core/errors.js';
import { NOTHING_SPENT } from '../../core/schedule/retry.js';
import type { TrialStanding } from '../../core/schedule/snapshot.js';
import { needOf, type TrialNeed } from '../../core/schedule/trial-need.js';
import type { StoredCheckpoint } from '../../core/stored-file.js';
import type { JsonValue, Place } from '../../core/sweep/place.js';
import type { Budget, SweepStanding, SweepState } from '../../core/sweep/sweep-options.js';
import type { TrialGlance, TrialRecord } from '../journal.js';
import { decodeResult, kindOf } from '../json.js';
import { SharedCells } from '../shared-cells.js';

export interface TrialRow {
  readonly trial_id: string;
  readonly settings: string;
  readonly model: string;
  readonly dataset: string;
  readonly run: string;
  readonly state: TrialState;
  readonly attempts: number;
  /** As text; see TOKEN. */
  readonly token: string;
  readonly worker_id: string | null;
  readonly machines: number | null;
  readonly infrastructure_failures: number;
  readonly lost_failures: number;
  readonly crashes: number;
  readonly seed: number;
  readonly result: string | null;
  readonly failure: string | null;
  readonly queued_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly checkpoint: string | null;
}

/** 63 bits of it, of which a number of JavaScript holds 53. */
export const TOKEN = 'CAST(token AS TEXT) AS token';

/** Of a sweep's trial, with the names that the sweep has for model and dataset. */
export const SETTINGS = 'coalesce(m.settings, t.settings)';

/** As arrays: a start reads them of every trial, and objects with twelve names each take twice as long to make. */
export const STANDING_COLUMNS = `trial_id, substr(model, 1, 12), substr(dataset, 1, 12), t.state, attempts,
  iif(attempts = 0, NULL, CAST(token AS TEXT)), worker_id, machines, infrastructure_failures, lost_failures, crashes,
  seed, run`;

export type StandingValues = readonly [
  trialId: string,
  model: string,
  dataset: string,
  state: TrialState,
  attempts: number,
  token: string | null,
  workerId: string | null,
  machines: number | null,
  infrastructure: number,
  lost: number,
  crashes: number,
  seed: number,
  run: string,
];

/** What a million trials share a few of, by the texts of their rows. */
export class SharedParts {
  readonly kinds = new Map<string, string>();
  readonly needs = new Map<string, TrialNeed>();
}

/** Nothing else says what a trial needs, and what is lent by half a need goes wrong far from here. */
function needIn(run: string, trialId: string): TrialNeed {
  const need = needOf(parsed(run) as RunOptions);
  if (Object.values(need).every((each) => Number.isSafeInteger(each) && each >= 0)) return need;
  throw new SweepError('STATE_INVALID', `the options of trial ${trialId} in the journal are damaged`, {
    hint: '`dss doctor` says how to mend the journal',
  });
}

function parsed(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

export function standingOf(values: StandingValues, { kinds, needs } = new SharedParts()): TrialStanding {
  const [
    trialId,
    model,
    dataset,
    state,
    attempts,
    token,
    workerId,
    machines,
    infrastructure,
    lost,
    crashes,
    seed,
    run,
  ] = values;
  const asked = kindOf(model, dataset);
  const kind = kinds.get(asked) ?? asked;
  kinds.set(kind, kind);
  const need = needs.get(run) ?? needIn(run, trialId);
  needs.set(run, need);
  const spent = infrastructure + lost + crashes === 0 ? NOTHING_SPENT : { infrastructure, lost, crashes };
  return {
    trialId,
    state,
    attempts,
    token: token === null ? 0n : BigInt(token),
    workerId,
    machines,
    spent,
    seed,
    kind,
    need,
  };
}

/** `sourceOf`: the body of a source by its digest, parsed once and shared. */
export function recordOf(row: TrialRow, sourceOf: (digest: string) => unknown): TrialRecord {
  return {
    trial: {
      trialId: row.trial_id,
      settings: JSON.parse(row.settings) as TrialSettings,
      model: sourceOf(row.model) as ModelSource,
      dataset: sourceOf(row.dataset) as DatasetSource,
      run: JSON.parse(row.run) as RunOptions,
    },
    state: row.state,
    attempts: row.attempts,
    result: row.result === null ? null : decodeResult(row.result),
    failure: row.failure === null ? null : (JSON.parse(row.failure) as Failure),
    queuedAtUnixMs: row.queued_at,
    startedAtUnixMs: row.started_at,
    endedAtUnixMs: row.ended_at,
  };
}

/** As arrays, and of a result's JSON what is shown: a page that is opened reads them of every trial of a sweep. */
export const GLANCE_COLUMNS = `trial_id, ${SETTINGS}, seed, t.state, attempts, failure,
  result ->> '$.testAccuracy', result ->> '$.seconds', result -> '$.environment'`;

export type GlanceValues = readonly [
  trialId: string,
  settings: string,
  seed: number,
  state: TrialState,
  attempts: number,
  failure: string | null,
  /** As text: one that JSON has no word for. */
  testAccuracy: number | string | null,
  seconds: number | string | null,
  environment: string | null,
];

/** What 100,000 trials share a few of. */
export class SharedOfGlances {
  readonly cells = new SharedCells();
  readonly #environments = new Map<string, Environment>();

  environment(text: string): Environment {
    const known = this.#environments.get(text);
    if (known !== undefined) return known;
    const environment = JSON.parse(text) as Environment;
    this.#environments.set(text, environment);
    return environment;
  }
}

export function glanceOf(values: GlanceValues, shared: SharedOfGlances): TrialGlance {
  const [trialId, settings, seed, state, attempts, failure, testAccuracy, seconds, environment] = values;
  const hasResult = environment !== null;
  return {
    trialId,
    cell: shared.cells.of(settings, seed),
    seed,
    state,
    attempts,
    failure: failure === null ? null : (JSON.parse(failure) as Failure),
    result: hasResult
      ? {
          testAccuracy: Number(testAccuracy),
          seconds: Number(seconds),
          environment: shared.environment(environment),
        }
      : null,
  };
}

export function checkpointOf({ checkpoint }: Pick<TrialRow, 'checkpoint'>): StoredCheckpoint | null {
  return checkpoint === null ? null : (JSON.parse(checkpoint) as StoredCheckpoint);
}

export interface SubmissionRow {
  readonly submission: number;
  readonly sweep: string;
  readonly submitted_at: number;
  readonly state: SweepState;
  readonly reason: string;
  readonly owner: string;
  readonly priority: number;
  readonly weight: number;
  readonly budget: string;
  readonly place: string;
  readonly compare: string;
  readonly declared_at: number;
  readonly active_since: number;
}

export function sweepStandingOf(row: SubmissionRow): SweepStanding {
  const { state, reason, owner, priority, weight } = row;
  const budget = JSON.parse(row.budget) as Budget;
  const place = JSON.parse(row.place) as Place;
  const compare = JSON.parse(row.compare) as JsonValue;
  const options = { priority, weight, budget, place, compare };
  return { state, reason, owner, options, declaredAtUnixMs: row.declared_at };
}

/** SQLite has no NaN; see schema.ts. */
function numberOf(stored: number | null): number {
  return stored ?? Number.NaN;
}

export function storedNumber(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

export interface PointRow {
  readonly step: number;
  readonly loss: number | null;
}

export function pointOf({ step, loss }: PointRow): TrainingPoint {
  return { step, loss: numberOf(loss) };
}

export interface EvaluationRow {
  readonly step: number;
  readonly split: Evaluation['split'];
  readonly loss: number | null;
  readonly accuracy: number | null;
  readonly row_count: number;
  readonly correct: Uint8Array;
  readonly choice_accuracy: number | null;
}

export function evaluationOf(row: EvaluationRow): Evaluation {
  return {
    step: row.step,
    split: row.split,
    loss: numberOf(row.loss),
    accuracy: numberOf(row.accuracy),
    rows: row.row_count,
    correct: new Uint8Array(row.correct),
    choiceAccuracy: row.choice_accuracy,
  };
}
