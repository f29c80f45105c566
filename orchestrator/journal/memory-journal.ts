/** A journal that is gone with its process: for tests. Its state is the fold of its events. */
import type { Failure, LeaseRef, Trial, TrialResult, TrialSettings, TrialState } from '../core/domain.js';
import { attemptBegun, type JournalEvent } from '../core/events.js';
import { leaseToken } from '../core/lease-token.js';
import { glanceOfResult, type PlacedSource } from '../core/records.js';
import type { TrialStanding } from '../core/schedule/snapshot.js';
import { needOf } from '../core/schedule/trial-need.js';
import type { StoredCheckpoint, StoredFile } from '../core/stored-file.js';
import { isQueuedAgain, type SubmissionPart } from '../core/sweep/submission.js';
import { sweepChanged, sweepDifference } from '../core/sweep/sweep-difference.js';
import type { SweepState } from '../core/sweep/sweep-options.js';
import { NO_TRIALS } from '../core/watch-event.js';
import { FoldedState, type FoldedTrial } from './fold.js';
import type {
  Journal,
  RecordedEvent,
  Submitted,
  SweepPlace,
  SweepRecord,
  SweepSpending,
  TrialGlance,
  TrialMeasurements,
  TrialRecord,
  Written,
} from './journal.js';
import { digestOf, encodeResult, kindOf, stableJson } from './json.js';
import { SharedCells } from './shared-cells.js';
import { makesActive, SpendingCount } from './spending.js';
import { misplacedPart, namedTwice, submittedEvents } from './submitted-events.js';

export class MemoryJournal implements Journal {
  readonly #specs = new Map<string, Trial>();
  /** Settings of a sweep's trials with its own names for models and datasets, by sweep and id. */
  readonly #named = new Map<string, ReadonlyMap<string, TrialSettings>>();
  readonly #events: RecordedEvent[] = [];
  /** Of submissions whose last part has not come. */
  #parts = new Map<string, readonly Trial[]>();
  #state = new FoldedState();
  #token = 0n;
  #submission = 0;
  #inTransaction = false;

  async whole(): Promise<void> {}

  transaction<T>(write: () => T): T {
    const length = this.#events.length;
    const parts = new Map(this.#parts);
    this.#inTransaction = true;
    try {
      return write();
    } catch (error) {
      this.#events.length = length;
      this.#parts = parts;
      this.#state = FoldedState.of(this.#events);
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  submit(part: SubmissionPart, atUnixMs: number): Submitted | null {
    this.#mustBeInTransaction();
    const { sweep, first, last } = part;
    const before = first === 0 ? [] : (this.#parts.get(sweep) ?? []);
    if (before.length !== first) throw misplacedPart(sweep, first, before.length);
    const asked = [...before, ...part.trials];
    const twice = firstTwice(asked);
    if (twice !== null) throw namedTwice(sweep, twice);
    if (!last) {
      this.#parts.set(sweep, asked);
      return null;
    }
    this.#parts.delete(sweep);
    const former = [...this.trials(sweep)].map(({ trial }) => trial);
    const difference = this.#state.sweeps.has(sweep) && !part.extend ? sweepDifference(former, asked) : null;
    if (difference !== null) throw sweepChanged(sweep, difference);
    return this.#accept(part, asked, atUnixMs);
  }

  #accept(part: SubmissionPart, asked: readonly Trial[], atUnixMs: number): Submitted {
    const events: JournalEvent[] = [];
    for (const trial of asked) {
      const { trialId } = trial;
      const old = this.#state.trials.get(trialId);
      this.#specs.set(trialId, { ...trial, settings: this.#specs.get(trialId)?.settings ?? trial.settings });
      const isToQueue = old === undefined || isQueuedAgain(old, part);
      if (!isToQueue) continue;
      const event = this.#record({ kind: 'queued', trialId }, atUnixMs);
      if (old !== undefined) events.push(event);
    }
    const kept = part.extend ? (this.#named.get(part.sweep) ?? []) : [];
    const named = asked.map(({ trialId, settings }) => [trialId, settings] as const);
    this.#named.set(part.sweep, new Map([...named, ...kept]));
    this.#submission += 1;
    const ids = asked.map(({ trialId }) => trialId);
    for (const event of submittedEvents(part, this.#submission, ids)) this.#record(event, atUnixMs);
    const { succeeded, queued, running, failed } = this.#count(this.#state.sweeps.get(part.sweep)?.trialIds ?? []);
    return { submission: this.#submission, done: succeeded, toRun: queued + running, failed, events };
  }

  begin(
    trialId: string,
    workerId: string,
    atUnixMs: number,
    chance = 0,
    machines: number | null = null,
  ): JournalEvent & { readonly kind: 'begun' } {
    const trial = this.#state.trials.get(trialId);
    if (trial?.state !== 'queued') throw new Error(`trial ${trialId} is ${trial?.state ?? 'unknown'}, not queued`);
    this.#token += 1n;
    const lease = { trialId, attempt: trial.attempts + 1, token: leaseToken(this.#token, chance) };
    return this.#record(attemptBegun(lease, workerId, machines), atUnixMs);
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

  queueAgain(trialId: string, atUnixMs: number): Written {
    const state = this.#state.trials.get(trialId)?.state;
    if (state === 'queued') return { outcome: 'duplicate' };
    if (state === undefined || state === 'running') return { outcome: 'stale' };
    return { outcome: 'accepted', event: this.#record({ kind: 'queued', trialId }, atUnixMs) };
  }

  setSweepState(sweep: string, state: SweepState, reason: string, atUnixMs: number): JournalEvent {
    if (!this.#state.sweeps.has(sweep)) throw new Error(`there is no sweep "${sweep}"`);
    return this.#record({ kind: 'sweep', sweep, state, reason }, atUnixMs);
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

  checkpoint(
    lease: LeaseRef,
    step: number,
    path: string,
    atUnixMs: number,
    files: readonly StoredFile[] = [],
  ): Written {
    return this.#settle(lease, { kind: 'checkpointed', lease, step, path, files }, atUnixMs, () => true);
  }

  *standings(sweep: string): IterableIterator<TrialStanding> {
    for (const trialId of this.#state.sweeps.get(sweep)?.trialIds ?? []) yield this.#standing(trialId);
  }

  running(): readonly TrialStanding[] {
    const ids = [...this.#state.trials].filter(([, { state }]) => state === 'running').map(([trialId]) => trialId);
    return ids.sort().map((trialId) => this.#standing(trialId));
  }

  place(sweep: string): SweepPlace | null {
    const { submission, standing } = this.#state.sweeps.get(sweep) ?? {};
    return submission === undefined || standing === undefined ? null : { sweep, submission, standing };
  }

  unfinished(): readonly SweepPlace[] {
    return this.#places('active', (trialId) => this.#isOpen(trialId));
  }

  windingDown(): readonly SweepPlace[] {
    return this.#places('paused', (trialId) => this.#state.trials.get(trialId)?.state === 'running');
  }

  /** Of sweeps in that state with a trial that is meant. */
  #places(state: SweepState, isMeant: (trialId: string) => boolean): readonly SweepPlace[] {
    return [...this.#state.sweeps]
      .filter(([, { standing, trialIds }]) => standing.state === state && trialIds.some(isMeant))
      .map(([sweep, { submission, standing }]) => ({ sweep, submission, standing }))
      .sort((a, b) => a.submission - b.submission);
  }

  wantedElsewhere(sweep: string): ReadonlySet<string> {
    const others = [...this.#state.sweeps].filter(([name, { standing }]) => {
      return name !== sweep && standing.state !== 'cancelled';
    });
    const wanted = new Set(others.flatMap(([, { trialIds }]) => trialIds));
    const own = this.#state.sweeps.get(sweep)?.trialIds ?? [];
    return new Set(own.filter((trialId) => wanted.has(trialId) && this.#isOpen(trialId)));
  }

  spending(sweep: string): SweepSpending {
    const trialIds = new Set(this.#state.sweeps.get(sweep)?.trialIds);
    const since = this.#events.findLastIndex(({ event }) => makesActive(event, sweep));
    const askedOf = (trialId: string) => (this.#specs.get(trialId) as Trial).run;
    const count = new SpendingCount(trialIds, askedOf, this.#events[since]?.atUnixMs ?? 0);
    for (const each of this.#events.slice(since + 1)) count.add(each);
    const running = [...this.#state.trials].filter(([id, { state }]) => state === 'running' && trialIds.has(id));
    return count.sum(running.map(([id, { startedAtUnixMs, machines }]) => [id, startedAtUnixMs ?? 0, machines]));
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
    const { trialIds, submittedAtUnixMs, standing } = sweep;
    return { sweep: name, submittedAtUnixMs, counts: this.#count(trialIds), total: trialIds.length, standing };
  }

  *trials(sweep: string): IterableIterator<TrialRecord> {
    const named = this.#named.get(sweep);
    for (const trialId of this.#state.sweeps.get(sweep)?.trialIds ?? []) {
      const record = this.trial(trialId) as TrialRecord;
      const settings = named?.get(trialId) ?? record.trial.settings;
      yield { ...record, trial: { ...record.trial, settings } };
    }
  }

  *glances(sweep: string): IterableIterator<TrialGlance> {
    const cells = new SharedCells();
    for (const { trial, state, attempts, failure, result } of this.trials(sweep)) {
      const { trialId, settings } = trial;
      const { seed } = settings;
      const cell = cells.of(stableJson(settings), seed);
      yield { trialId, cell, seed, state, attempts, failure, result: result === null ? null : glanceOfResult(result) };
    }
  }

  trial(trialId: string): TrialRecord | null {
    const [trial, folded] = [this.#specs.get(trialId), this.#state.trials.get(trialId)];
    if (trial === undefined || folded === undefined) return null;
    const { token: _1, workerId: _2, machines: _3, spent: _4, measured: _5, checkpoint: _6, ...rest } = folded;
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

  storedCheckpoint(trialId: string): StoredCheckpoint | null {
    return this.#state.trials.get(trialId)?.checkpoint ?? null;
  }

  sources(after: number): readonly PlacedSource[] {
    const sources = new Set([...this.#specs.values()].flatMap(({ model, dataset }) => [model, dataset]));
    return [...sources].map((source, index) => ({ place: index + 1, source })).slice(after);
  }

  close(): void {}

  #isOpen(trialId: string): boolean {
    const state = this.#state.trials.get(trialId)?.state;
    return state === 'queued' || state === 'running';
  }

  #standing(trialId: string): TrialStanding {
    const { state, attempts, token, workerId, machines, spent } = this.#state.trials.get(trialId) as FoldedTrial;
    const { settings, model, dataset, run } = this.#specs.get(trialId) as Trial;
    const kind = kindOf(digestOf(stableJson(model)), digestOf(stableJson(dataset)));
    const { seed } = settings;
    return { trialId, state, attempts, token, workerId, machines, spent, seed, kind, need: needOf(run) };
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
    this.#mustBeInTransaction();
    const recorded = { atUnixMs, event };
    this.#events.push(recorded);
    this.#state.apply(recorded);
    return event;
  }

  #mustBeInTransaction(): void {
    if (!this.#inTransaction) throw new Error('the journal is written within a transaction only');
  }
}

function firstTwice(trials: readonly Trial[]): string | null {
  const names = new Set<string>();
  for (const { trialId } of trials) {
    if (names.has(trialId)) return trialId;
    names.add(trialId);
  }
  return null;
}

function isRepeatOf(failure: Failure | null): (trial: FoldedTrial) => boolean {
  return ({ state, failure: old }) =>
    failure !== null && stableJson(old) === stableJson(failure) && (state === 'failed' || state === 'queued');
}
