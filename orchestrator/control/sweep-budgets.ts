/** Counts what live sweeps with a budget use up. Times are monotonic, so that setting the clock costs nobody hours. */
import { hasLimit, limitReached, msToLimit, type Used } from '../core/budget.js';
import type { JournalEvent } from '../core/events.js';
import type { Budget } from '../core/sweep-options.js';
import type { SweepSpending } from '../journal/journal.js';

interface Account {
  readonly budget: Budget;
  /** `null`: nothing of it was lent so far. */
  firstLentMs: number | null;
  endedMs: number;
  readonly runningSinceMs: Map<string, number>;
  failedTrials: number;
}

export class SweepBudgets {
  readonly #accounts = new Map<string, Account>();

  /** @param spending what the journal has of it; its times become monotonic ones by how long ago they were */
  open(sweep: string, budget: Budget, spending: SweepSpending, nowMs: number, nowUnixMs: number): void {
    this.close(sweep);
    if (!hasLimit(budget)) return;
    const monotonic = (unixMs: number) => nowMs - Math.max(0, nowUnixMs - unixMs);
    const running = [...spending.runningSinceUnixMs].map(([trialId, at]) => [trialId, monotonic(at)] as const);
    this.#accounts.set(sweep, {
      budget,
      firstLentMs: spending.firstLentUnixMs === null ? null : monotonic(spending.firstLentUnixMs),
      endedMs: spending.endedMs,
      runningSinceMs: new Map(running),
      failedTrials: spending.failedTrials,
    });
  }

  close(sweep: string): void {
    this.#accounts.delete(sweep);
  }

  /** @param sweepsOf which live sweeps want a trial: it counts for each of them */
  note(event: JournalEvent, sweepsOf: (trialId: string) => readonly string[], nowMs: number): void {
    if (this.#accounts.size === 0) return;
    switch (event.kind) {
      case 'begun': {
        const { trialId } = event.lease;
        for (const account of this.#of(sweepsOf(trialId))) {
          account.firstLentMs ??= nowMs;
          account.runningSinceMs.set(trialId, nowMs);
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
    return [...this.#accounts].flatMap(([sweep, account]) => {
      const reason = limitReached(account.budget, usedOf(account, nowMs));
      return reason === null ? [] : [{ sweep, reason }];
    });
  }

  /** When time alone will reach a limit; `null`: never. */
  nextWakeMs(nowMs: number): number | null {
    const times = [...this.#accounts.values()].flatMap((account) => {
      const { budget, firstLentMs, runningSinceMs } = account;
      const used = usedOf(account, nowMs);
      // Used up, and not paused since nothing waits: waiting will change nothing, and a timer would ring for ever.
      if (limitReached(budget, used) !== null) return [];
      return msToLimit(budget, used, runningSinceMs.size, firstLentMs !== null) ?? [];
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
      const sinceMs = account.runningSinceMs.get(trialId);
      if (sinceMs === undefined) continue;
      account.runningSinceMs.delete(trialId);
      account.endedMs += nowMs - sinceMs;
    }
  }
}

function usedOf({ firstLentMs, endedMs, runningSinceMs, failedTrials }: Account, nowMs: number): Used {
  let deviceMs = endedMs;
  for (const sinceMs of runningSinceMs.values()) deviceMs += nowMs - sinceMs;
  return { wallMs: firstLentMs === null ? 0 : nowMs - firstLentMs, deviceMs, failedTrials };
}
