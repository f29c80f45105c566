/**
 * A control plane as pages, metrics and notifications see it: what they read, what they are told, and the few things
 * that they may ask for, each under the name of whoever asked.
 */
import type { JournalEvent } from '../core/events.js';
import type { Caller } from '../core/roles.js';
import type { WatchEvent } from '../core/watch-event.js';
import type { WorkerStanding } from '../core/worker-standing.js';
import type { JournalReader } from '../journal/journal.js';

export const SWEEP_ACTIONS = ['cancel', 'retry', 'pause', 'resume'] as const;
export type SweepAction = (typeof SWEEP_ACTIONS)[number];

export interface PlaneWatcher {
  tell(event: WatchEvent): void;
  /** The sweep has ended, or is not watched over any more. */
  end(): void;
  fail(error: Error): void;
}

export interface PlaneView {
  readonly journal: JournalReader;
  workers(): readonly WorkerStanding[];
  /** First the state as it is, then every change. Gives what ends it. */
  watch(sweep: string, watcher: PlaneWatcher): () => void;
  /** Of whatever happens, once it is durable. Gives what ends it. */
  onEvents(listener: EventListener): () => void;
  /** Of a trial's log, the lines that there are. */
  log(trialId: string, signal: AbortSignal): AsyncIterable<readonly string[]>;
  /** False while it drains, and from its end on. */
  isLending(): boolean;
  /** @throws SweepError AUTH_INVALID */
  callerOf(token: string): Caller;
  /**
   * Gives how many trials were queued or cancelled; 0 for the others.
   *
   * @throws SweepError SWEEP_UNKNOWN, USAGE, UNAVAILABLE
   */
  act(sweep: string, action: SweepAction): number;
}

export type EventListener = (events: readonly JournalEvent[]) => void;
