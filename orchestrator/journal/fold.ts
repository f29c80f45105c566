/** Events → the state they lead to. The memory journal is this; for SQLite it is the tests' oracle. */
import type { Evaluation, Failure, TrainingPoint, TrialResult, TrialState } from '../core/domain.js';
import type { JournalEvent } from '../core/events.js';
import type { Spent } from '../core/retry.js';
import type { RecordedEvent } from './journal.js';
import { withoutRepeats } from './json.js';

export interface FoldedTrial {
  readonly state: TrialState;
  readonly attempts: number;
  readonly token: bigint;
  readonly workerId: string | null;
  readonly spent: Spent;
  readonly result: TrialResult | null;
  readonly failure: Failure | null;
  readonly queuedAtUnixMs: number;
  readonly startedAtUnixMs: number | null;
  readonly endedAtUnixMs: number | null;
  /** By attempt. */
  readonly measured: ReadonlyMap<number, { training: readonly TrainingPoint[]; evaluations: readonly Evaluation[] }>;
}

export interface FoldedSubmission {
  readonly submission: number;
  readonly submittedAtUnixMs: number;
  readonly trialIds: readonly string[];
}

export class FoldedState {
  readonly trials = new Map<string, FoldedTrial>();
  readonly sweeps = new Map<string, FoldedSubmission>();
  /** Submissions that are not complete. */
  readonly parts = new Map<string, FoldedSubmission>();

  static of(events: Iterable<RecordedEvent>): FoldedState {
    const state = new FoldedState();
    for (const each of events) state.apply(each);
    return state;
  }

  apply({ event, atUnixMs }: RecordedEvent): void {
    if (event.kind === 'submitted') {
      this.#submit(event, atUnixMs);
      return;
    }
    const trialId = event.kind === 'queued' || event.kind === 'cancelled' ? event.trialId : event.lease.trialId;
    this.trials.set(trialId, step(this.trials.get(trialId), event, atUnixMs));
  }

  #submit(event: JournalEvent & { kind: 'submitted' }, atUnixMs: number): void {
    const { sweep, submission, first, trialIds, last } = event;
    const before = first === 0 ? [] : (this.parts.get(sweep)?.trialIds ?? []);
    const whole = { submission, submittedAtUnixMs: atUnixMs, trialIds: [...before, ...trialIds] };
    if (last) {
      this.parts.delete(sweep);
      this.sweeps.set(sweep, whole);
    } else this.parts.set(sweep, whole);
  }
}

const NEW: FoldedTrial = {
  state: 'queued',
  attempts: 0,
  token: 0n,
  workerId: null,
  spent: { infrastructure: 0, lost: 0 },
  result: null,
  failure: null,
  queuedAtUnixMs: 0,
  startedAtUnixMs: null,
  endedAtUnixMs: null,
  measured: new Map(),
};

function step(
  old: FoldedTrial | undefined,
  event: Exclude<JournalEvent, { kind: 'submitted' }>,
  atUnixMs: number,
): FoldedTrial {
  const trial = old ?? NEW;
  switch (event.kind) {
    case 'queued':
      return {
        ...trial,
        state: 'queued',
        spent: { infrastructure: 0, lost: 0 },
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
        startedAtUnixMs: atUnixMs,
      };
    case 'requeued': {
      const { infrastructure, lost } = trial.spent;
      const kind = event.failure?.kind;
      return {
        ...trial,
        state: 'queued',
        failure: event.failure ?? trial.failure,
        spent: {
          infrastructure: infrastructure + (kind === 'infrastructure' ? 1 : 0),
          lost: lost + (kind === 'lost' ? 1 : 0),
        },
        queuedAtUnixMs: atUnixMs,
      };
    }
    case 'succeeded':
      return { ...trial, state: 'succeeded', result: event.result, failure: null, endedAtUnixMs: atUnixMs };
    case 'failed':
      return { ...trial, state: 'failed', failure: event.failure, endedAtUnixMs: atUnixMs };
    case 'cancelled':
      return { ...trial, state: 'cancelled', endedAtUnixMs: atUnixMs };
    case 'measured': {
      const { attempt } = event.lease;
      const before = trial.measured.get(attempt) ?? { training: [], evaluations: [] };
      const training = [...before.training, ...withoutRepeats(before.training, event.training)];
      const evaluations = [...before.evaluations, ...withoutRepeats(before.evaluations, event.evaluations)];
      return { ...trial, measured: new Map([...trial.measured, [attempt, { training, evaluations }]]) };
    }
    case 'checkpointed':
      return trial;
  }
}
