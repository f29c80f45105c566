/** What happened to sweeps and trials. The journal keeps these; folding them gives its rows. */
import type { Evaluation, Failure, LeaseRef, TrainingPoint, TrialResult } from './domain.js';

export type JournalEvent =
  /** Part of a sweep's trials, from position `first` on; with `last` they become what the sweep is. */
  | {
      readonly kind: 'submitted';
      readonly sweep: string;
      readonly submission: number;
      readonly first: number;
      readonly trialIds: readonly string[];
      readonly last: boolean;
    }
  /** For the first time, or again after `failed` or `cancelled`: its retry budgets start anew. */
  | { readonly kind: 'queued'; readonly trialId: string }
  | { readonly kind: 'begun'; readonly lease: LeaseRef; readonly workerId: string }
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
  | { readonly kind: 'checkpointed'; readonly lease: LeaseRef; readonly step: number; readonly path: string };

/** The trial that an event is about; `null` for a submission, which is about many. */
export function trialOf(event: JournalEvent): string | null {
  switch (event.kind) {
    case 'submitted':
      return null;
    case 'queued':
    case 'cancelled':
      return event.trialId;
    default:
      return event.lease.trialId;
  }
}
