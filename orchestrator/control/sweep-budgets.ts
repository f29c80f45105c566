/** Counts what live sweeps with a budget use up. Times are monotonic, so that setting the clock costs nobody hours. */

import type { JournalEvent } from '../core/events.js';
import { hasLimit, limitReached, msToLimit, type Used } from '../core/schedule/budget.js';
import type { Budget } from '../core/sweep/sweep-options.js';
import type { SweepSpending } from '../journal/journal.js';

interface Account {
  readonly budget: Budget;
  /** `null`: nothing of it was lent so far. */
  firstLentMs: number | null;
  /** Times devices. */
  endedMs: number;
  readonly running: Map<string, { readonly sinceMs: number; readonly devices: number }>;
  failedTrials: number;
}

/** What is known of a trial. */
export interface TrialFacts {
  /** Live sweeps that want it: it counts for each of them. */
  readonly sweepsOf: (trialId: string) => readonly string[];
  /** Over all machines. */
  readonly devicesOf: (trialId: string) => number;
}

export class SweepBudgets {
  readonly #accounts = new Map<string, Account>();
  /** What comes after it, while that is carried out, calls for another look at once. */
  #lookedMs = 0;

  /** @param spending what the journal has of it; its times become monotonic ones by how long ago they were */
  open(sweep: string, budget: Budget, spending: SweepSpending, nowMs: number, nowUnixMs: number): void {
    this.close(sweep);
    if (!hasLimit(budget)) return;
    const monotonic = (unixMs: number) => nowMs - Math.max(0, nowUnixMs - unixMs);
    const running = [...spending.running].map(
      ([trialId, { sinceUnixMs, devices }]) => [trialId, { sinceMs: monotonic(sinceUnixMs), devices }] as const,
    );
    this.#accounts.set(sweep, {
      budget,
      firstLentMs: spending.firstLentUnixMs === null ? null : monotonic(spending.firstLentUnixMs),
      endedMs: spending.endedMs,
      running: new Map(running),
      failedTrials: spending.failedTrials,
    });
  }

  close(sweep: string): void {
    this.#accounts.delete(sweep);
  }

  note(event: JournalEvent, { sweepsOf, devicesOf }: TrialFacts, nowMs: number): void {
    if (this.#accounts.size === 0) return;
    switch (event.kind) {
      case 'begun': {
        const { trialId } = event.lease;
        for (const account of this.#of(sweepsOf(trialId))) {
          account.firstLentMs ??= nowMs;
          account.running.set(trialId, { sinceMs: nowMs, devices: devicesOf(trialId) });
        }
        return;
      }
      case 'cancelled':
        this.#end(event.trialId, nowMs);
        return;
      case 'requeued':
      case 'succeeded':
        this.#end(event.lease.trialId, nowMs);
        return;
      case 'failed':
        this.#end(event.lease.trialId, nowMs);
        for (const account of this.#of(sweepsOf(event.lease.trialId))) account.failedTrials += 1;
    }
  }

  /** Sweeps that have used up their budget, with the reason in words. */
  reached(nowMs: number): readonly { readonly sweep: string; readonly reason: string }[] {
    this.#lookedMs = nowMs;
    return [...this.#accounts].flatMap(([sweep, account]) => {
      const reason = limitReached(account.budget, usedOf(account, nowMs));
      return reason === null ? [] : [{ sweep, reason }];
    });
  }

  /** When time alone will reach a limit that was not reached at the last look; `null`: never. */
  nextWakeMs(): number | null {
    const nowMs = this.#lookedMs;
    const times = [...this.#accounts.values()].flatMap((account) => {
      const { budget, firstLentMs, running } = account;
      const busy = [...running.values()].reduce((sum, { devices }) => sum + devices, 0);
      const used = usedOf(account, nowMs);
      // Used up, and not paused since nothing waits: waiting will change nothing, and a timer would ring for ever.
      if (limitReached(budget, used) !== null) return [];
      return msToLimit(budget, used, busy, firstLentMs !== null) ?? [];
    });
    return times.length === 0 ? null : nowMs + Math.min(...times);
  }

  *#of(sweeps: readonly string[]): Generator<Account> {
    for (const sweep of sweeps) {
      const account = this.#accounts.get(sweep);
      if (account !== undefined) yield account;
    }
  }

  /** Wherever it was counted: it may have been taken out of a sweep meanwhile. */
  #end(trialId: string, nowMs: number): void {
    for (const account of this.#accounts.values()) {
      const running = account.running.get(trialId);
      if (running === undefined) continue;
      account.running.delete(trialId);
      account.endedMs += (nowMs - running.sinceMs) * running.devices;
    }
  }
}

function usedOf({ firstLentMs, endedMs, running, failedTrials }: Account, nowMs: number): Used {
  let deviceMs = endedMs;
  for (const { sinceMs, devices } of running.values()) deviceMs += (nowMs - sinceMs) * devices;
  return { wallMs: firstLentMs === null ? 0 : nowMs - firstLentMs, deviceMs, failedTrials };
}
