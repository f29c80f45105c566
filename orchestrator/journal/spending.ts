/** What a sweep has used up, counted from its events. */
import type { JournalEvent } from '../core/events.js';
import type { RecordedEvent, SweepSpending } from './journal.js';

/** From such an event on, a sweep's budget counts. */
export function makesActive(event: JournalEvent, sweep: string): boolean {
  if (event.kind === 'submitted') return event.sweep === sweep && event.last;
  return event.kind === 'sweep' && event.sweep === sweep && event.state === 'active';
}

/** Takes events in their order. */
export class SpendingCount {
  readonly #trialIds: Pick<ReadonlySet<string>, 'has'>;
  readonly #sinceUnixMs: number;
  readonly #begun = new Map<string, number>();
  #firstLentUnixMs: number | null = null;
  #endedMs = 0;
  #failedTrials = 0;

  constructor(trialIds: Pick<ReadonlySet<string>, 'has'>, sinceUnixMs: number) {
    this.#trialIds = trialIds;
    this.#sinceUnixMs = sinceUnixMs;
  }

  /** @param running those of its trials that run, with the time at which each began */
  sum(running: Iterable<readonly [trialId: string, startedAtUnixMs: number]>): SweepSpending {
    const since = [...running].map(([trialId, at]) => [trialId, Math.max(at, this.#sinceUnixMs)] as const);
    return {
      firstLentUnixMs: this.#firstLentUnixMs,
      endedMs: this.#endedMs,
      runningSinceUnixMs: new Map(since),
      failedTrials: this.#failedTrials,
    };
  }

  add({ event, atUnixMs }: RecordedEvent): void {
    switch (event.kind) {
      case 'begun':
        if (!this.#trialIds.has(event.lease.trialId)) return;
        this.#begun.set(event.lease.trialId, atUnixMs);
        this.#firstLentUnixMs ??= atUnixMs;
        return;
      case 'cancelled':
        if (event.lease !== null) this.#end(event.trialId, atUnixMs);
        return;
      case 'requeued':
      case 'succeeded':
      case 'failed':
        this.#end(event.lease.trialId, atUnixMs);
        if (event.kind === 'failed' && this.#trialIds.has(event.lease.trialId)) this.#failedTrials += 1;
    }
  }

  /** Whoever ends without having begun ran before the count did. */
  #end(trialId: string, atUnixMs: number): void {
    if (!this.#trialIds.has(trialId)) return;
    // The wall clock may have been set back meanwhile.
    this.#endedMs += Math.max(0, atUnixMs - (this.#begun.get(trialId) ?? this.#sinceUnixMs));
    this.#begun.delete(trialId);
  }
}
