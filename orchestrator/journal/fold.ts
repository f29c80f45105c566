/** Events → the state they lead to. The memory journal is this; for SQLite it is the tests' oracle. */
import type { Evaluation, Failure, TrainingPoint, TrialResult, TrialState } from '../core/domain.js';
import type { JournalEvent } from '../core/events.js';
import { NOTHING_SPENT, type Spent, spentAfter } from '../core/schedule/retry.js';
import type { StoredCheckpoint } from '../core/stored-file.js';
import type { SweepStanding } from '../core/sweep/sweep-options.js';
import type { RecordedEvent } from './journal.js';
import { stableJson, withoutRepeats } from './json.js';

export interface FoldedTrial {
  readonly state: TrialState;
  readonly attempts: number;
  readonly token: bigint;
  readonly workerId: string | null;
  /** See `TrialStanding`. */
  readonly machines: number | null;
  readonly spent: Spent;
  readonly result: TrialResult | null;
  readonly failure: Failure | null;
  readonly queuedAtUnixMs: number;
  readonly startedAtUnixMs: number | null;
  readonly endedAtUnixMs: number | null;
  /** The newest that is in the store. */
  readonly checkpoint: StoredCheckpoint | null;
  /** By attempt. */
  readonly measured: ReadonlyMap<number, { training: readonly TrainingPoint[]; evaluations: readonly Evaluation[] }>;
}

export interface FoldedSubmission {
  readonly submission: number;
  readonly submittedAtUnixMs: number;
  readonly trialIds: readonly string[];
  readonly standing: SweepStanding;
}

export class FoldedState {
  readonly trials = new Map<string, FoldedTrial>();
  readonly sweeps = new Map<string, FoldedSubmission>();
  /** Trials of submissions that are not complete. */
  readonly #parts = new Map<string, readonly string[]>();

  static of(events: Iterable<RecordedEvent>): FoldedState {
    const state = new FoldedState();
    for (const each of events) state.apply(each);
    return state;
  }

  apply({ event, atUnixMs }: RecordedEvent): void {
    switch (event.kind) {
      case 'submitted':
        this.#submit(event, atUnixMs);
        return;
      case 'sweep':
        this.#stand(event);
        return;
      default: {
        const trialId = event.kind === 'queued' || event.kind === 'cancelled' ? event.trialId : event.lease.trialId;
        this.trials.set(trialId, step(this.trials.get(trialId), event, atUnixMs));
      }
    }
  }

  #submit(event: JournalEvent & { kind: 'submitted' }, atUnixMs: number): void {
    const { sweep, submission, first, trialIds, last, extend, owner, options } = event;
    const asked = [...(first === 0 ? [] : (this.#parts.get(sweep) ?? [])), ...trialIds];
    if (!last) {
      this.#parts.set(sweep, asked);
      return;
    }
    this.#parts.delete(sweep);
    const former = this.sweeps.get(sweep);
    const isDeclaredBefore =
      former !== undefined && stableJson(former.standing.options.compare) === stableJson(options.compare);
    const declaredAtUnixMs = isDeclaredBefore ? former.standing.declaredAtUnixMs : atUnixMs;
    this.sweeps.set(sweep, {
      submission,
      submittedAtUnixMs: atUnixMs,
      trialIds: extend ? [...new Set([...(former?.trialIds ?? []), ...asked])] : asked,
      standing: { state: 'active', reason: '', owner, options, declaredAtUnixMs },
    });
  }

  #stand({ sweep, state, reason }: JournalEvent & { kind: 'sweep' }): void {
    const known = this.sweeps.get(sweep);
    if (known !== undefined) this.sweeps.set(sweep, { ...known, standing: { ...known.standing, state, reason } });
  }
}

const NEW: FoldedTrial = {
  state: 'queued',
  attempts: 0,
  token: 0n,
  workerId: null,
  machines: null,
  spent: NOTHING_SPENT,
  result: null,
  failure: null,
  queuedAtUnixMs: 0,
  startedAtUnixMs: null,
  endedAtUnixMs: null,
  checkpoint: null,
  measured: new Map(),
};

function step(
  old: FoldedTrial | undefined,
  event: Exclude<JournalEvent, { kind: 'submitted' | 'sweep' }>,
  atUnixMs: number,
): FoldedTrial {
  const trial = old ?? NEW;
  switch (event.kind) {
    case 'queued':
      return {
        ...trial,
        state: 'queued',
        spent: NOTHING_SPENT,
        result: null,
        queuedAtUnixMs: atUnixMs,
        startedAtUnixMs: null,
        endedAtUnixMs: null,
      };
    case 'begun':
      return {
        ...trial,
        state: 'running',
        attempts: event.lease.attempt,
        token: event.lease.token,
        workerId: event.workerId,
        machines: event.machines ?? null,
        startedAtUnixMs: atUnixMs,
      };
    case 'requeued':
      return {
        ...trial,
        state: 'queued',
        failure: event.failure ?? trial.failure,
        spent: spentAfter(trial.spent, event.failure),
        queuedAtUnixMs: atUnixMs,
      };
    case 'succeeded':
      return {
        ...trial,
        state: 'succeeded',
        result: event.result,
        failure: null,
        endedAtUnixMs: atUnixMs,
        checkpoint: null,
      };
    case 'failed':
      return { ...trial, state: 'failed', failure: event.failure, endedAtUnixMs: atUnixMs };
    case 'cancelled':
      return { ...trial, state: 'cancelled', endedAtUnixMs: atUnixMs, checkpoint: null };
    case 'measured': {
      const { attempt } = event.lease;
      const before = trial.measured.get(attempt) ?? { training: [], evaluations: [] };
      const training = [...before.training, ...withoutRepeats(before.training, event.training)];
      const evaluations = [...before.evaluations, ...withoutRepeats(before.evaluations, event.evaluations)];
      return { ...trial, measured: new Map([...trial.measured, [attempt, { training, evaluations }]]) };
    }
    case 'checkpointed': {
      const { step, path, files } = event;
      return files.length === 0 ? trial : { ...trial, checkpoint: { step, path, files } };
    }
  }
}
