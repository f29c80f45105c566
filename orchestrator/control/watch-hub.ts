/** Who watches which sweep, and what each is told. */

import type { SweepError } from '../core/errors.js';
import { type JournalEvent, trialOf } from '../core/events.js';
import { glanceOfResult } from '../core/records.js';
import type { Snapshot } from '../core/schedule/snapshot.js';
import {
  hasEnded,
  type SweepSummary,
  type TrialChange,
  type WatchEvent,
  type WorkerState,
} from '../core/watch-event.js';
import { WindingDown } from './winding-down.js';

export interface Watcher {
  tell(event: WatchEvent): void;
  /** The sweep has ended, or is not watched over any more. */
  end(): void;
  fail(error: SweepError): void;
}

type Begun = JournalEvent & { readonly kind: 'begun' };

export class WatchHub {
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #workers = new Map<string, WorkerState>();
  readonly #windingDown = new WindingDown();
  /** Since the last events. */
  readonly #stopped = new Map<string, { readonly summary: SweepSummary; readonly news: readonly JournalEvent[] }>();
  /** Of attempts that were lent ahead: told when their turn has come, as if they had been lent then. */
  #ahead: readonly Begun[] = [];

  /** First the state as it is: the sweep, what runs of it, and the workers. */
  add(sweep: string, watcher: Watcher, snapshot: Snapshot): () => void {
    const summary = snapshot.summary(sweep) ?? this.#windingDown.summary(sweep);
    if (summary === null) {
      watcher.end();
      return () => {};
    }
    for (const { trialId, state, attempts, token, workerId } of snapshot.runningOf(sweep)) {
      if (snapshot.isWaiting({ trialId, attempt: attempts, token })) continue;
      const trial = { trialId, state, attempt: attempts, workerId: workerId ?? '', failure: null, result: null };
      watcher.tell({ kind: 'trial', trial });
    }
    for (const worker of this.#workers.values()) watcher.tell({ kind: 'worker', worker });
    watcher.tell({ kind: 'summary', summary });
    if (hasEnded(summary.counts)) {
      watcher.end();
      return () => {};
    }
    const watchers = this.#watchers.get(sweep) ?? new Set();
    this.#watchers.set(sweep, watchers.add(watcher));
    return () => watchers.delete(watcher);
  }

  publish(events: readonly JournalEvent[], snapshot: Snapshot): void {
    const told = [...events, ...this.#ahead.filter(({ lease }) => snapshot.isCurrent(lease))];
    this.#ahead = told.filter((event): event is Begun => event.kind === 'begun' && snapshot.isWaiting(event.lease));
    this.#tellStopped();
    if (this.#watchers.size === 0 && this.#windingDown.isEmpty) return;
    const touched = new Set<string>();
    for (const event of told) {
      if (event.kind === 'begun' && this.#ahead.includes(event)) continue;
      const trial = changeOf(event);
      if (trial === null) continue;
      for (const sweep of snapshot.sweepsOf(trial.trialId)) {
        touched.add(sweep);
        this.#tell(sweep, { kind: 'trial', trial });
      }
      for (const summary of this.#windingDown.take(trial)) this.#tellRest(summary, trial);
    }
    for (const sweep of touched) {
      const summary = snapshot.summary(sweep);
      if (summary === null) continue;
      this.#tell(sweep, { kind: 'summary', summary });
      if (hasEnded(summary.counts)) this.end(sweep);
    }
  }

  tellWorker(worker: WorkerState): void {
    if (worker.gone) this.#workers.delete(worker.workerId);
    else this.#workers.set(worker.workerId, worker);
    for (const sweep of this.#watchers.keys()) this.#tell(sweep, { kind: 'worker', worker });
  }

  /**
   * It was paused, and its watchers are told of what still runs until that has ended; or cancelled, and nothing of it
   * runs. They hear of it with the next events, and before those: from here on these are not told as the sweep's.
   *
   * @param news what has happened before and they are not told yet.
   */
  windDown(summary: SweepSummary, news: readonly JournalEvent[], running: readonly string[]): void {
    this.#stopped.set(summary.sweep, { summary, news });
    this.#windingDown.add(summary, running);
  }

  /** It is live again. */
  goOn(sweep: string): void {
    this.#stopped.delete(sweep);
    this.#windingDown.delete(sweep);
  }

  end(sweep: string): void {
    this.#stopped.delete(sweep);
    this.#windingDown.delete(sweep);
    const watchers = this.#watchers.get(sweep) ?? [];
    this.#watchers.delete(sweep);
    for (const watcher of watchers) watcher.end();
  }

  fail(error: SweepError): void {
    const all = [...this.#watchers.values()].flatMap((watchers) => [...watchers]);
    this.#watchers.clear();
    for (const watcher of all) watcher.fail(error);
  }

  #tellStopped(): void {
    for (const [sweep, { summary, news }] of this.#stopped) {
      for (const event of news) {
        const trial = changeOf(event);
        if (trial !== null) this.#tell(sweep, { kind: 'trial', trial });
      }
      this.#tell(sweep, { kind: 'summary', summary });
      if (!this.#windingDown.isLeft(sweep)) this.end(sweep);
    }
    this.#stopped.clear();
  }

  #tellRest(summary: SweepSummary, trial: TrialChange): void {
    this.#tell(summary.sweep, { kind: 'trial', trial });
    this.#tell(summary.sweep, { kind: 'summary', summary });
    if (summary.counts.running === 0) this.end(summary.sweep);
  }

  #tell(sweep: string, event: WatchEvent): void {
    for (const watcher of this.#watchers.get(sweep) ?? []) watcher.tell(event);
  }
}

function changeOf(event: JournalEvent): TrialChange | null {
  const base = { trialId: trialOf(event) ?? '', workerId: '', failure: null, result: null };
  switch (event.kind) {
    case 'submitted':
    case 'sweep':
    case 'measured':
    case 'checkpointed':
      return null;
    case 'queued':
      return { ...base, state: 'queued', attempt: 0 };
    case 'begun':
      return { ...base, state: 'running', attempt: event.lease.attempt, workerId: event.workerId };
    case 'requeued':
      return { ...base, state: 'queued', attempt: event.lease.attempt, failure: event.failure };
    case 'succeeded':
      return { ...base, state: 'succeeded', attempt: event.lease.attempt, result: glanceOfResult(event.result) };
    case 'failed':
      return { ...base, state: 'failed', attempt: event.lease.attempt, failure: event.failure };
    case 'cancelled':
      return { ...base, state: 'cancelled', attempt: event.lease?.attempt ?? 0 };
  }
}
