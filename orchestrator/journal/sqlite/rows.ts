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
import type { TrialStanding } from '../../core/snapshot.js';
import type { StoredCheckpoint } from '../../core/stored-file.js';
import type { Budget, SweepStanding, SweepState } from '../../core/sweep-options.js';
import { needOf, type TrialNeed } from '../../core/trial-need.js';
import type { TrialRecord } from '../journal.js';
import { decodeResult, kindOf } from '../json.js';

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

export const STANDING_COLUMNS = `trial_id, model, dataset, t.state, attempts, ${TOKEN}, worker_id,
  infrastructure_failures, lost_failures, crashes, seed, run`;

export type StandingRow = Pick<
  TrialRow,
  | 'trial_id'
  | 'model'
  | 'dataset'
  | 'state'
  | 'attempts'
  | 'token'
  | 'worker_id'
  | 'infrastructure_failures'
  | 'lost_failures'
  | 'crashes'
  | 'seed'
  | 'run'
>;

/** What a million trials share a few of, by the texts of their rows. */
export class SharedParts {
  readonly kinds = new Map<string, string>();
  readonly needs = new Map<string, TrialNeed>();
}

export function standingOf(row: StandingRow, { kinds, needs } = new SharedParts()): TrialStanding {
  const kind = kindOf(row.model, row.dataset);
  if (!kinds.has(kind)) kinds.set(kind, kind);
  const need = needs.get(row.run) ?? needOf(JSON.parse(row.run) as RunOptions);
  needs.set(row.run, need);
  return {
    trialId: row.trial_id,
    state: row.state,
    attempts: row.attempts,
    token: BigInt(row.token),
    workerId: row.worker_id,
    spent: { infrastructure: row.infrastructure_failures, lost: row.lost_failures, crashes: row.crashes },
    seed: row.seed,
    kind: kinds.get(kind) ?? kind,
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
  readonly active_since: number;
}

export function sweepStandingOf({ state, reason, owner, priority, weight, budget }: SubmissionRow): SweepStanding {
  return { state, reason, owner, options: { priority, weight, budget: JSON.parse(budget) as Budget } };
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
