/** Sweeps and trials as the journal knows them. */
import type {
  DatasetSource,
  Evaluation,
  Failure,
  ModelSource,
  TrainingPoint,
  Trial,
  TrialResult,
  TrialSettings,
  TrialState,
} from './domain.js';
import type { SweepStanding } from './sweep/sweep-options.js';

/** A trial as the journal knows it. */
export interface TrialRecord {
  readonly trial: Trial;
  readonly state: TrialState;
  /** Attempts begun so far. */
  readonly attempts: number;
  /** State `succeeded` only. */
  readonly result: TrialResult | null;
  /** The last attempt's failure, also while another attempt is queued. */
  readonly failure: Failure | null;
  readonly queuedAtUnixMs: number;
  readonly startedAtUnixMs: number | null;
  readonly endedAtUnixMs: number | null;
}

/** What trials share that differ in their seed alone. */
export type CellSettings = Omit<TrialSettings, 'seed'>;

/** What is said of a result wherever many are looked at. */
export type ResultGlance = Pick<TrialResult, 'testAccuracy' | 'seconds' | 'environment'>;

export function glanceOfResult({ testAccuracy, seconds, environment }: TrialResult): ResultGlance {
  return { testAccuracy, seconds, environment };
}

/** What is seen of a trial among 100,000 others: read in a fifth of the time of its record. */
export interface TrialGlance {
  readonly trialId: string;
  /** The same object for every trial of a cell. */
  readonly cell: CellSettings;
  readonly seed: number;
  readonly state: TrialState;
  readonly attempts: number;
  /** See `TrialRecord`. */
  readonly failure: Failure | null;
  readonly result: ResultGlance | null;
}

/** What the deciding attempt measured: the succeeded one, else the newest. */
export interface TrialMeasurements {
  readonly training: readonly TrainingPoint[];
  readonly evaluations: readonly Evaluation[];
}

export interface SweepRecord {
  readonly sweep: string;
  readonly submittedAtUnixMs: number;
  readonly counts: Readonly<Record<TrialState, number>>;
  readonly total: number;
  readonly standing: SweepStanding;
}

/** What trials read, and when it was first heard of. */
export interface PlacedSource {
  /** Grows with each source. */
  readonly place: number;
  readonly source: ModelSource | DatasetSource;
}
