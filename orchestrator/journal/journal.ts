/**
 * The durable store. Rows hold the state as it is; events, written in the same transaction, say how
 * it came about. Folding the events gives the rows: the tests' oracle.
 */
import type { Evaluation, Failure, Trial, TrainingPoint, TrialResult, TrialState } from '../core/domain.js';

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
}

/** Reading, beside a control plane that may be writing. Throws SweepError STATE_INVALID for a damaged or foreign file. */
export interface JournalReader {
  /** Newest submission first. */
  sweeps(): readonly SweepRecord[];
  sweep(name: string): SweepRecord | null;
  /** In the sweep's order. */
  trials(sweep: string): IterableIterator<TrialRecord>;
  trial(trialId: string): TrialRecord | null;
  /** Ids beginning with a prefix, at most `limit` of them. */
  trialIds(prefix: string, limit: number): readonly string[];
  /** Of many ids, the ones that have succeeded. */
  succeeded(trialIds: readonly string[]): ReadonlySet<string>;
  measurements(trialId: string): TrialMeasurements;
  close(): void;
}
