/** A journal that is gone with its process: for tests. Its state is the fold of its events. */
import type { Failure, LeaseRef, Trial, TrialResult, TrialState } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { JournalEvent } from '../core/events.js';
import { isRunAgainOnSubmit } from '../core/retry.js';
import type { TrialStanding } from '../core/snapshot.js';
import type { SubmissionPart } from '../core/submission.js';
import { NO_TRIALS } from '../core/watch-event.js';
import { FoldedState, type FoldedTrial } from './fold.js';
import type {
  Journal,
  RecordedEvent,
  Submitted,
  SweepRecord,
  TrialMeasurements,
  TrialRecord,
  Written,
} from './journal.js';
import { encodeResult, stableJson } from './json.js';

export class MemoryJournal implements Journal {
  readonly #specs = new Map<string, Trial>();
  readonly #events: RecordedEvent[] = [];
  #state = new FoldedState();
  #token = 0n;
  #submission = 0;
  #inTransaction = false;

  transaction<T>(write: () => T): T {
    const length = this.#events.length;
    this.#inTransaction = true;
    try {
      return write();
    } catch (error) {
      this.#events.length = length;
      this.#state = FoldedState.of(this.#events);
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  submit(part: SubmissionPart, atUnixMs: number): Submitted {
    const { sweep, first, trials, last, retryFailed } = part;
    const before = first === 0 ? [] : (this.#state.parts.get(sweep)?.trialIds ?? []);
    if (before.length !== first) {
      throw new SweepError('USAGE', `trials of "${sweep}" came from ${first} on, expected ${before.length}`);
    }
    if (first === 0) this.#submission += 1;
    const submission = this.#state.parts.get(sweep)?.submission ?? this.#submission;
    const names = new Set(before);
    const events: JournalEvent[] = [];
    for (const trial of trials) {
      const { trialId } = trial;
      if (names.has(trialId)) throw new SweepError('USAGE', `sweep "${sweep}" names trial ${trialId} twice`);
      names.add(trialId);
      const old = this.#state.trials.get(trialId);
      this.#specs.set(trialId, trial);
      const isToQueue =
        old === undefined ||
        old.state === 'cancelled' ||
        (old.state === 'failed' && isRunAgainOnSubmit(old.failure, retryFailed));
      if (isToQueue) events.push(this.#record({ kind: 'queued', trialId }, atUnixMs));
    }
    const trialIds = trials.map(({ trialId }) => trialId);
    const id = first === 0 ? this.#submission : submission;
    events.push(this.#record({ kind: 'submitted', sweep, submission: id, first, trialIds, last }, atUnixMs));
    const counts = this.#count([...names]);
    return {
      submission: id,
      done: counts.succeeded,
      toRun: counts.queued + counts.running,
      failed: counts.failed,
      events,
    };
  }

  begin(trialId: string, workerId: string, atUnixMs: number): JournalEvent & { readonly kind: 'begun' } {
    const trial = this.#state.trials.get(trialId);
    if (trial?.state !== 'queued') throw new Error(`trial ${trialId} is ${trial?.state ?? 'unknown'}, not queued`);
    this.#token += 1n;
    const lease = { trialId, attempt: trial.attempts + 1, token: this.#token };
    return this.#record({ kind: 'begun', lease, workerId }, atUnixMs);
  }

  finish(lease: LeaseRef, result: TrialResult, atUnixMs: number): Written {
    return this.#settle(
      lease,
      { kind: 'succeeded', lease, result },
      atUnixMs,
      (trial) => trial.result !== null && encodeResult(trial.result) === encodeResult(result),
    );
  }

  fail(lease: LeaseRef, failure: Failure, atUnixMs: number): Written {
    return this.#settle(lease, { kind: 'failed', lease, failure }, atUnixMs, isRepeatOf(failure));
  }

  requeue(lease: LeaseRef, failure: Failure | null, delayMs: number, atUnixMs: number): Written {
    return this.#settle(lease, { kind: 'requeued', lease, failure, delayMs }, atUnixMs, isRepeatOf(failure));
  }

  cancel(trialId: string, atUnixMs: number): Written {
    const trial = this.#state.trials.get(trialId);
    if (trial?.state === 'cancelled') return { outcome: 'duplicate' };
    if (trial?.state !== 'queued' && trial?.state !== 'running') return { outcome: 'stale' };
    const lease = trial.state === 'queued' ? null : { trialId, attempt: trial.attempts, token: trial.token };
    return { outcome: 'accepted', event: this.#record({ kind: 'cancelled', trialId, lease }, atUnixMs) };
  }

  measure(lease: LeaseRef, { training, evaluations }: TrialMeasurements, atUnixMs: number): Written {
    return this.#settle(lease, { kind: 'measured', lease, training, evaluations }, atUnixMs, () => true);
  }

  checkpoint(lease: LeaseRef, step: number, path: string, atUnixMs: number): Written {
    return this.#settle(lease, { kind: 'checkpointed', lease, step, path }, atUnixMs, () => true);
  }

  *standings(sweep: string): IterableIterator<TrialStanding> {
    for (const trialId of this.#state.sweeps.get(sweep)?.trialIds ?? []) yield this.#standing(trialId);
  }

  running(): readonly TrialStanding[] {
    const ids = [...this.#state.trials].filter(([, { state }]) => state === 'running').map(([trialId]) => trialId);
    return ids.sort().map((trialId) => this.#standing(trialId));
  }

  *events(): IterableIterator<RecordedEvent> {
    yield* this.#events;
  }

  sweeps(): readonly SweepRecord[] {
    const newestFirst = [...this.#state.sweeps].sort(([, a], [, b]) => b.submission - a.submission);
    return newestFirst.flatMap(([name]) => this.sweep(name) ?? []);
  }

  sweep(name: string): SweepRecord | null {
    const sweep = this.#state.sweeps.get(name);
    if (sweep === undefined) return null;
    const { trialIds, submittedAtUnixMs } = sweep;
    return { sweep: name, submittedAtUnixMs, counts: this.#count(trialIds), total: trialIds.length };
  }

  *trials(sweep: string): IterableIterator<TrialRecord> {
    for (const trialId of this.#state.sweeps.get(sweep)?.trialIds ?? []) yield this.trial(trialId) as TrialRecord;
  }

  trial(trialId: string): TrialRecord | null {
    const [trial, folded] = [this.#specs.get(trialId), this.#state.trials.get(trialId)];
    if (trial === undefined || folded === undefined) return null;
    const { token: _token, workerId: _workerId, spent: _spent, measured: _measured, ...rest } = folded;
    return { trial, ...rest };
  }

  trialIds(prefix: string, limit: number): readonly string[] {
    return [...this.#state.trials.keys()]
      .filter((trialId) => trialId.startsWith(prefix))
      .sort()
      .slice(0, limit);
  }

  succeeded(trialIds: readonly string[]): ReadonlySet<string> {
    return new Set(trialIds.filter((trialId) => this.#state.trials.get(trialId)?.state === 'succeeded'));
  }

  measurements(trialId: string): TrialMeasurements {
    const trial = this.#state.trials.get(trialId);
    const { training, evaluations } = trial?.measured.get(trial.attempts) ?? { training: [], evaluations: [] };
    return {
      training: [...training].sort((a, b) => a.step - b.step),
      evaluations: [...evaluations].sort((a, b) => a.step - b.step || (a.split < b.split ? 1 : -1)),
    };
  }

  close(): void {}

  #standing(trialId: string): TrialStanding {
    const { state, attempts, token, workerId, spent } = this.#state.trials.get(trialId) as FoldedTrial;
    return { trialId, state, attempts, token, workerId, spent };
  }

  #count(trialIds: readonly string[]): Record<TrialState, number> {
    const counts: Record<TrialState, number> = { ...NO_TRIALS };
    for (const trialId of trialIds) counts[this.#state.trials.get(trialId)?.state ?? 'queued'] += 1;
    return counts;
  }

  #settle(lease: LeaseRef, event: JournalEvent, atUnixMs: number, isRepeat: (trial: FoldedTrial) => boolean): Written {
    const trial = this.#state.trials.get(lease.trialId);
    if (trial?.token !== lease.token || trial.attempts !== lease.attempt) return { outcome: 'stale' };
    if (trial.state !== 'running') return { outcome: isRepeat(trial) ? 'duplicate' : 'stale' };
    return { outcome: 'accepted', event: this.#record(event, atUnixMs) };
  }

  #record<E extends JournalEvent>(event: E, atUnixMs: number): E {
    if (!this.#inTransaction) throw new Error('the journal is written within a transaction only');
    const recorded = { atUnixMs, event };
    this.#events.push(recorded);
    this.#state.apply(recorded);
    return event;
  }
}

function isRepeatOf(failure: Failure | null): (trial: FoldedTrial) => boolean {
  return ({ state, failure: old }) =>
    failure !== null && stableJson(old) === stableJson(failure) && (state === 'failed' || state === 'queued');
}
