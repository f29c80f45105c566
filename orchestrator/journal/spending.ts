/** What a sweep has used up, counted from its events. */
import type { JournalEvent } from '../core/events.js';
import { sizeOf, type TrialNeed } from '../core/schedule/trial-need.js';
import type { RecordedEvent, SweepSpending } from './journal.js';

/** From such an event on, a sweep's budget counts. */
export function makesActive(event: JournalEvent, sweep: string): boolean {
  if (event.kind === 'submitted') return event.sweep === sweep && event.last;
  return event.kind === 'sweep' && event.sweep === sweep && event.state === 'active';
}

/** What a trial was last asked to be trained on. */
export type AskedOf = (trialId: string) => Pick<TrialNeed, 'devices' | 'machines'>;

/** A trial that runs; `machines` as in `TrialStanding`. */
export type RunningNow = readonly [trialId: string, startedAtUnixMs: number, machines: number | null];

/**
 * Takes events in their order. An attempt counts for the devices that it got: all that its trial was last asked to be
 * trained on, unless it began with fewer machines, which the end alone of one that began before the count does not say.
 */
export class SpendingCount {
  readonly #trialIds: Pick<ReadonlySet<string>, 'has'>;
  readonly #askedOf: AskedOf;
  readonly #sinceUnixMs: number;
  readonly #begun = new Map<string, { readonly atUnixMs: number; readonly machines: number | null }>();
  #firstLentUnixMs: number | null = null;
  #endedMs = 0;
  #failedTrials = 0;

  constructor(trialIds: Pick<ReadonlySet<string>, 'has'>, askedOf: AskedOf, sinceUnixMs: number) {
    this.#trialIds = trialIds;
    this.#askedOf = askedOf;
    this.#sinceUnixMs = sinceUnixMs;
  }

  /** @param running those of its trials that run */
  sum(running: Iterable<RunningNow>): SweepSpending {
    const now = [...running].map(([trialId, at, machines]) => {
      const devices = this.#devicesOf(trialId, machines);
      return [trialId, { sinceUnixMs: Math.max(at, this.#sinceUnixMs), devices }] as const;
    });
    return {
      firstLentUnixMs: this.#firstLentUnixMs,
      endedMs: this.#endedMs,
      running: new Map(now),
      failedTrials: this.#failedTrials,
    };
  }

  add({ event, atUnixMs }: RecordedEvent): void {
    switch (event.kind) {
      case 'begun':
        if (!this.#trialIds.has(event.lease.trialId)) return;
        this.#begun.set(event.lease.trialId, { atUnixMs, machines: event.machines ?? null });
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
    const begun = this.#begun.get(trialId) ?? { atUnixMs: this.#sinceUnixMs, machines: null };
    // The wall clock may have been set back meanwhile.
    const lasted = Math.max(0, atUnixMs - begun.atUnixMs);
    this.#endedMs += lasted * this.#devicesOf(trialId, begun.machines);
    this.#begun.delete(trialId);
  }

  #devicesOf(trialId: string, machines: number | null): number {
    const asked = this.#askedOf(trialId);
    return sizeOf({ ...asked, machines: machines ?? asked.machines });
  }
}
