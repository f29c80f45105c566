/**
 * What must hold of every history, whatever happened to the machine, the network and the disk. Each finding is a broken
 * promise of the control plane or a damaged file, never a trial's own failure.
 *
 * I1 what was acknowledged is there; I2 a trial is finished at most once each time it is queued, under tokens that only
 * grow; I3 every trial has ended, is lent or waits; I4 nothing but queueing it again leads out of an end; I5 of what
 * attempts measured, the first word stands; I7 every failure has a code and a cause. (I6 is about processes: no history
 * shows it.)
 */
import type { LeaseRef, TrialState } from '../core/domain.js';
import type { JournalEvent } from '../core/events.js';
import type { RecordedEvent } from './journal.js';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I7';

export interface Finding {
  readonly invariant: Invariant;
  /** The event that shows it, counted from 1 in the order of the log, as the journal numbers them; `null`: a row does. */
  readonly eventId: number | null;
  readonly what: string;
}

/** Small, since there may be a million of them. */
interface Seen {
  state: TrialState;
  attempts: number;
  token: bigint;
}

type OfTrial = Exclude<JournalEvent, { readonly kind: 'submitted' | 'sweep' }>;

/** Takes events in their order; its memory grows with the trials, not with the events. */
export class HistoryCheck {
  readonly findings: Finding[] = [];
  readonly #trials = new Map<string, Seen>();
  readonly #sweeps = new Set<string>();
  /** Trials that came in the parts of a submission that is not complete. */
  readonly #parts = new Map<string, { readonly submission: number; size: number }>();
  #submission = 0;
  #token = 0n;
  #eventId = 0;

  add({ event }: RecordedEvent, eventId = this.#eventId + 1): void {
    this.#eventId = eventId;
    if (event.kind === 'submitted') this.#submitted(event);
    else if (event.kind === 'sweep') {
      if (!this.#sweeps.has(event.sweep)) this.#find('I4', `sweep "${event.sweep}" is ${event.state}, but never came`);
    } else this.#ofTrial(event);
  }

  #submitted({ sweep, submission, first, trialIds, last }: JournalEvent & { readonly kind: 'submitted' }): void {
    for (const trialId of trialIds) {
      if (!this.#trials.has(trialId)) this.#find('I3', `trial ${trialId} is in sweep "${sweep}" and nowhere else`);
    }
    const open = first === 0 ? { submission, size: 0 } : this.#parts.get(sweep);
    if (open === undefined || open.size !== first || open.submission !== submission) {
      this.#find('I1', `part of sweep "${sweep}" begins at ${first}, but ${open?.size ?? 0} came before it`);
    }
    if (first === 0 && submission <= this.#submission) {
      this.#find('I4', `submission ${submission} of "${sweep}" came after ${this.#submission}`);
    }
    this.#submission = Math.max(this.#submission, submission);
    if (last) {
      this.#parts.delete(sweep);
      this.#sweeps.add(sweep);
    } else this.#parts.set(sweep, { submission, size: first + trialIds.length });
  }

  #ofTrial(event: OfTrial): void {
    switch (event.kind) {
      case 'queued': {
        const old = this.#trials.get(event.trialId);
        if (old === undefined) this.#trials.set(event.trialId, { state: 'queued', attempts: 0, token: 0n });
        else if (!hasEnded(old)) this.#find('I4', `trial ${event.trialId} was queued again while it is ${old.state}`);
        else old.state = 'queued';
        return;
      }
      case 'begun':
        this.#begun(event.lease, event.workerId);
        return;
      case 'cancelled': {
        const trial = this.#known(event.trialId, event.kind);
        if (trial === null) return;
        const state = event.lease === null ? 'queued' : 'running';
        if (trial.state !== state)
          this.#find('I4', `trial ${event.trialId} was cancelled as ${state}, but ${was(trial)}`);
        if (event.lease !== null) this.#holds(trial, event.lease, event.kind);
        trial.state = 'cancelled';
        return;
      }
      default:
        this.#underLease(event);
    }
  }

  #begun(lease: LeaseRef, workerId: string): void {
    const { trialId, attempt, token } = lease;
    if (token > this.#token) this.#token = token;
    else this.#find('I2', `attempt ${attempt} of ${trialId} got token ${token} after ${this.#token}`);
    const trial = this.#known(trialId, 'begun');
    if (trial === null) return;
    if (trial.state !== 'queued')
      this.#find(hasEnded(trial) ? 'I4' : 'I2', `trial ${trialId} was lent, but ${was(trial)}`);
    if (attempt !== trial.attempts + 1) {
      this.#find('I2', `trial ${trialId} began attempt ${attempt} after attempt ${trial.attempts}`);
    }
    if (workerId === '') this.#find('I3', `trial ${trialId} was lent to nobody`);
    this.#trials.set(trialId, { state: 'running', attempts: attempt, token });
  }

  #underLease(event: Exclude<OfTrial, { readonly kind: 'queued' | 'begun' | 'cancelled' }>): void {
    const { trialId } = event.lease;
    const trial = this.#known(trialId, event.kind);
    if (trial === null) return;
    if (trial.state !== 'running') {
      const invariant = event.kind === 'succeeded' && trial.state === 'succeeded' ? 'I2' : 'I4';
      this.#find(invariant, `trial ${trialId} has event "${event.kind}", but ${was(trial)}`);
    }
    this.#holds(trial, event.lease, event.kind);
    if (event.kind === 'requeued') trial.state = 'queued';
    else if (event.kind === 'succeeded' || event.kind === 'failed') trial.state = event.kind;
    const failure = event.kind === 'requeued' || event.kind === 'failed' ? event.failure : null;
    if (failure !== null && (failure.code === '' || failure.message === '')) {
      this.#find('I7', `trial ${trialId} failed with code "${failure.code}" and message "${failure.message}"`);
    }
  }

  /** Whoever said it must have held the newest lease. */
  #holds(trial: Seen, lease: LeaseRef, kind: string): void {
    if (trial.token === lease.token && trial.attempts === lease.attempt) return;
    const held = `attempt ${trial.attempts}, token ${trial.token}`;
    this.#find(
      'I2',
      `"${kind}" of trial ${lease.trialId} under attempt ${lease.attempt}, token ${lease.token}; ${held} has it`,
    );
  }

  #known(trialId: string, kind: string): Seen | null {
    const trial = this.#trials.get(trialId) ?? null;
    if (trial === null) this.#find('I3', `trial ${trialId} has event "${kind}", but was never queued`);
    return trial;
  }

  #find(invariant: Invariant, what: string): void {
    this.findings.push({ invariant, eventId: this.#eventId, what });
  }
}

export function checkHistory(events: Iterable<RecordedEvent>): readonly Finding[] {
  const check = new HistoryCheck();
  for (const event of events) check.add(event);
  return check.findings;
}

export function describeFinding({ invariant, eventId, what }: Finding): string {
  return `${invariant}: ${eventId === null ? '' : `event ${eventId}: `}${what}`;
}

function hasEnded({ state }: Seen): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

function was({ state, attempts }: Seen): string {
  return `it was ${state}${attempts === 0 ? '' : ` after attempt ${attempts}`}`;
}
