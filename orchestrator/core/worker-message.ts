/** What workers and the control plane say to each other. proto/dss/v1/worker.proto says when and why. */
import type { Device, Evaluation, Failure, LeaseRef, Progress, TrainingPoint, Trial, TrialResult } from './domain.js';

export interface Hello {
  readonly workerId: string;
  /** Another one in each life of its process. */
  readonly instanceId: string;
  readonly engineVersion: number;
  readonly host: string;
  readonly pid: number;
  readonly devices: readonly Device[];
  readonly versions: Readonly<Record<string, string>>;
  /** What it runs or holds ready, and what has ended without its end having been acknowledged. */
  readonly running: readonly LeaseRef[];
  readonly slots: number;
  /** Attempts it can hold ready beyond those that run. */
  readonly prefetch: number;
}

export interface LogLine {
  readonly unixMs: number;
  readonly stream: 'stdout' | 'stderr' | 'dss';
  readonly text: string;
}

/** Has to be durable before it is acknowledged. */
export type Report =
  | {
      readonly kind: 'metrics';
      readonly lease: LeaseRef;
      readonly training: readonly TrainingPoint[];
      readonly evaluations: readonly Evaluation[];
    }
  | { readonly kind: 'log'; readonly lease: LeaseRef; readonly lines: readonly LogLine[]; readonly dropped: number }
  | { readonly kind: 'checkpoint'; readonly lease: LeaseRef; readonly step: number; readonly path: string }
  | { readonly kind: 'finished'; readonly lease: LeaseRef; readonly result: TrialResult }
  | { readonly kind: 'failed'; readonly lease: LeaseRef; readonly failure: Failure }
  | { readonly kind: 'drained' };

export type FromWorker =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'renew'; readonly leases: readonly LeaseRef[] }
  | { readonly kind: 'progress'; readonly lease: LeaseRef; readonly progress: Progress }
  | { readonly kind: 'report'; readonly sequence: bigint; readonly report: Report };

export type ToWorker =
  | { readonly kind: 'welcome'; readonly leaseMs: number; readonly renewEveryMs: number }
  | { readonly kind: 'assign'; readonly lease: LeaseRef; readonly trial: Trial }
  | { readonly kind: 'renewed'; readonly leases: readonly LeaseRef[] }
  | { readonly kind: 'acknowledged'; readonly sequences: readonly bigint[] }
  | { readonly kind: 'stale'; readonly lease: LeaseRef }
  | { readonly kind: 'cancel'; readonly lease: LeaseRef; readonly reason: string }
  | { readonly kind: 'drain'; readonly graceMs: number }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly hint: string };
