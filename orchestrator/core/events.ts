/** What happened to sweeps and trials. The journal keeps these; folding them gives its rows. */
import type { Evaluation, Failure, LeaseRef, TrainingPoint, TrialResult } from './domain.js';
import type { StoredFile } from './stored-file.js';
import type { SweepOptions, SweepState } from './sweep/sweep-options.js';

export type JournalEvent =
  /**
   * Part of a sweep's trials, from position `first` on; with `last` they become what the sweep is or, with `extend`,
   * those that it does not have follow the ones that it has. The sweep is active from then on.
   */
  | {
      readonly kind: 'submitted';
      readonly sweep: string;
      readonly submission: number;
      readonly first: number;
      readonly trialIds: readonly string[];
      readonly last: boolean;
      readonly extend: boolean;
      readonly owner: string;
      readonly options: SweepOptions;
    }
  /** For the first time, or again after an end, whose result is given up: its retry budgets start anew. */
  | { readonly kind: 'queued'; readonly trialId: string }
  /** `machines`: so many, where it goes on with fewer than its trial asks for; absent: with all of them. */
  | { readonly kind: 'begun'; readonly lease: LeaseRef; readonly workerId: string; readonly machines?: number }
  /** Without a failure: handed back by a drain or a restart, which costs no budget. */
  | { readonly kind: 'requeued'; readonly lease: LeaseRef; readonly failure: Failure | null; readonly delayMs: number }
  | { readonly kind: 'succeeded'; readonly lease: LeaseRef; readonly result: TrialResult }
  | { readonly kind: 'failed'; readonly lease: LeaseRef; readonly failure: Failure }
  | { readonly kind: 'cancelled'; readonly trialId: string; readonly lease: LeaseRef | null }
  | {
      readonly kind: 'measured';
      readonly lease: LeaseRef;
      readonly training: readonly TrainingPoint[];
      readonly evaluations: readonly Evaluation[];
    }
  /** `files`: what of it is in the store; none: it is in its trial's folder only. */
  | {
      readonly kind: 'checkpointed';
      readonly lease: LeaseRef;
      readonly step: number;
      readonly path: string;
      readonly files: readonly StoredFile[];
    }
  /** A sweep is lent nothing more, goes on, or was given up. Submitting it makes it active too. */
  | { readonly kind: 'sweep'; readonly sweep: string; readonly state: SweepState; readonly reason: string };

/** @param machines `null`: all that its trial asks for */
export function attemptBegun(
  lease: LeaseRef,
  workerId: string,
  machines: number | null,
): JournalEvent & { readonly kind: 'begun' } {
  return { kind: 'begun', lease, workerId, ...(machines === null ? {} : { machines }) };
}

/** The trial that an event is about; `null` for those about a sweep. */
export function trialOf(event: JournalEvent): string | null {
  switch (event.kind) {
    case 'submitted':
    case 'sweep':
      return null;
    case 'queued':
    case 'cancelled':
      return event.trialId;
    default:
      return event.lease.trialId;
  }
}
