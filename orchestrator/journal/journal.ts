/**
 * The durable store. Rows hold the state as it is; events, written in the same transaction, say how
 * it came about. Folding the events gives the rows: the tests' oracle.
 */
import type { Failure, LeaseRef, TrialResult } from '../core/domain.js';
import type { JournalEvent } from '../core/events.js';
import type { PlacedSource, SweepRecord, TrialGlance, TrialMeasurements, TrialRecord } from '../core/records.js';
import type { TrialStanding } from '../core/schedule/snapshot.js';
import type { StoredCheckpoint, StoredFile } from '../core/stored-file.js';
import type { SubmissionPart } from '../core/sweep/submission.js';
import type { SweepStanding, SweepState } from '../core/sweep/sweep-options.js';

export type { SweepRecord, TrialGlance, TrialMeasurements, TrialRecord } from '../core/records.js';

/** Reading, beside a control plane that may be writing. Throws SweepError STATE_INVALID for a damaged or foreign file. */
export interface JournalReader {
  /** Newest submission first. */
  sweeps(): readonly SweepRecord[];
  sweep(name: string): SweepRecord | null;
  /** In the sweep's order. */
  trials(sweep: string): IterableIterator<TrialRecord>;
  /** The same trials in the same order, with what is seen of each among many. */
  glances(sweep: string): IterableIterator<TrialGlance>;
  trial(trialId: string): TrialRecord | null;
  /** Ids beginning with a prefix, at most `limit` of them. */
  trialIds(prefix: string, limit: number): readonly string[];
  /** Of many ids, the ones that have succeeded. */
  succeeded(trialIds: readonly string[]): ReadonlySet<string>;
  measurements(trialId: string): TrialMeasurements;
  /** The newest whose files are in the store; `null`: none is, or the trial has no more use for it. */
  storedCheckpoint(trialId: string): StoredCheckpoint | null;
  /** What trials read, in the order in which it was first heard of: all that comes after a place, from 0. */
  sources(after: number): readonly PlacedSource[];
  close(): void;
}

export interface Submitted {
  /** Grows with every submission; the queue's order. */
  readonly submission: number;
  /** Of the whole sweep. */
  readonly done: number;
  readonly toRun: number;
  readonly failed: number;
  /** Of trials that were there before, which somebody may be looking at; a million new ones would only be in the way. */
  readonly events: readonly JournalEvent[];
}

/**
 * What became of a worker's report. `duplicate`: this very report was accepted before, so the answer is
 * the same. `stale`: the lease is not the sender's any more. Neither changes anything.
 */
export type Written =
  | { readonly outcome: 'accepted'; readonly event: JournalEvent }
  | { readonly outcome: 'duplicate' }
  | { readonly outcome: 'stale' };

/** By the wall clock, since it must outlive the process. A trial of several sweeps counts for each of them. */
export interface SweepSpending {
  /** When the first of its attempts was lent; `null`: none was. */
  readonly firstLentUnixMs: number | null;
  /** Times devices, of attempts that have ended. */
  readonly endedMs: number;
  /** By trial: since when, and on how many devices over all machines. */
  readonly running: ReadonlyMap<string, { readonly sinceUnixMs: number; readonly devices: number }>;
  /** Trials that have failed for good. */
  readonly failedTrials: number;
}

/** What the control plane needs to take up a sweep. */
export interface SweepPlace {
  readonly sweep: string;
  readonly submission: number;
  readonly standing: SweepStanding;
}

export interface RecordedEvent {
  readonly atUnixMs: number;
  readonly event: JournalEvent;
}

/** The one writer. Every method that writes must be called within `transaction`. */
export interface Journal extends JournalReader {
  /** Resolves when it may be written. Rejects with SweepError STATE_INVALID when it is damaged. */
  whole(): Promise<void>;
  /** All of it or, when `write` throws, none; durable when it returns. */
  transaction<T>(write: () => T): T;
  /**
   * Gives `null` for a part that others follow: nothing of it is stored before the last has been accepted.
   * Throws SweepError USAGE for a part that does not continue its submission or names a trial twice, and
   * SWEEP_CHANGED for the last part of another sweep under a name that is taken.
   */
  submit(part: SubmissionPart, atUnixMs: number): Submitted | null;
  /**
   * Lends a queued trial: the next attempt under a token larger than any before. `chance`: see lease-token.ts.
   * `machines`: that it gets, where they are fewer than it asks for.
   */
  begin(
    trialId: string,
    workerId: string,
    atUnixMs: number,
    chance?: number,
    machines?: number | null,
  ): JournalEvent & { readonly kind: 'begun' };
  finish(lease: LeaseRef, result: TrialResult, atUnixMs: number): Written;
  fail(lease: LeaseRef, failure: Failure, atUnixMs: number): Written;
  /** Back to the queue; without a failure it costs no budget. `delayMs` is for the record. */
  requeue(lease: LeaseRef, failure: Failure | null, delayMs: number, atUnixMs: number): Written;
  /** Of a trial that has ended, whatever it ended with. Its result, if it has one, is in the events from then on. */
  queueAgain(trialId: string, atUnixMs: number): Written;
  /** Of a sweep that is there. What its budget counts starts anew when it is made active. */
  setSweepState(sweep: string, state: SweepState, reason: string, atUnixMs: number): JournalEvent;
  /** Of a trial that waits or runs. */
  cancel(trialId: string, atUnixMs: number): Written;
  /** Points and evaluations that are there already stay as they are. */
  measure(lease: LeaseRef, measured: TrialMeasurements, atUnixMs: number): Written;
  /** `files`: what of it is in the store. Where there are some, it is the trial's newest stored one from then on. */
  checkpoint(lease: LeaseRef, step: number, path: string, atUnixMs: number, files?: readonly StoredFile[]): Written;
  /** The trials of a sweep as scheduling needs them, in its order. */
  standings(sweep: string): IterableIterator<TrialStanding>;
  running(): readonly TrialStanding[];
  place(sweep: string): SweepPlace | null;
  /** Active sweeps with trials that wait or run; the oldest submission first. */
  unfinished(): readonly SweepPlace[];
  /** Paused sweeps of which something still runs; the oldest submission first. */
  windingDown(): readonly SweepPlace[];
  /** Of a sweep's trials that wait or run: those that another sweep has too which was not cancelled. */
  wantedElsewhere(sweep: string): ReadonlySet<string>;
  /** What a sweep has used up since it was submitted or last made active. */
  spending(sweep: string): SweepSpending;
  /** Oldest first. */
  events(): IterableIterator<RecordedEvent>;
}
