/** What workers and the control plane say to each other. proto/dss/v1/worker.proto says when and why. */
import type { Device, Evaluation, Failure, LeaseRef, Progress, TrainingPoint, Trial, TrialResult } from './domain.js';
import type { StoredCheckpoint, StoredFile } from './stored-file.js';
import type { WorkerLoad } from './worker-standing.js';

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
  /** Where other workers reach it; absent: nowhere, and it joins no gang. */
  readonly address?: string;
  /** Free there for a gang whose first member it is; absent: it is never the first. */
  readonly rendezvousPort?: number;
  /** Attempts that it still takes before it ends; absent: any number. */
  readonly trials?: number;
}

/** A worker's part in an attempt of several. */
export interface GangPlace {
  /** From 0. The first speaks for the attempt. */
  readonly rank: number;
  readonly size: number;
  /** Of the first. */
  readonly address: string;
  readonly port: number;
}

/** Where files are, for workers that share no folder with the control plane. */
export interface StorePlace {
  /** The state folder, on the control plane's machine. */
  readonly home: string;
  /** What the file `id` says there. */
  readonly homeId: string;
  /** On the host that was called; 0: files do not travel. */
  readonly port: number;
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
  | {
      readonly kind: 'checkpoint';
      readonly lease: LeaseRef;
      readonly step: number;
      readonly path: string;
      /** What of it is in the store; absent: nothing. */
      readonly files?: readonly StoredFile[];
    }
  | {
      readonly kind: 'finished';
      readonly lease: LeaseRef;
      readonly result: TrialResult;
      /** What is kept of the trial and is in the store; absent: nothing. */
      readonly files?: readonly StoredFile[];
    }
  | { readonly kind: 'failed'; readonly lease: LeaseRef; readonly failure: Failure }
  | { readonly kind: 'drained' };

export type FromWorker =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'renew'; readonly leases: readonly LeaseRef[] }
  | { readonly kind: 'progress'; readonly lease: LeaseRef; readonly progress: Progress }
  | { readonly kind: 'load'; readonly load: WorkerLoad }
  | { readonly kind: 'report'; readonly sequence: bigint; readonly report: Report };

export type ToWorker =
  | { readonly kind: 'welcome'; readonly leaseMs: number; readonly renewEveryMs: number; readonly store?: StorePlace }
  | {
      readonly kind: 'assign';
      readonly lease: LeaseRef;
      readonly trial: Trial;
      /** The newest that is in the store; absent: none is. */
      readonly checkpoint?: StoredCheckpoint;
      /** Places among the worker's devices; absent: the worker chooses. */
      readonly devices?: readonly number[];
      /** Absent: it trains alone. */
      readonly gang?: GangPlace;
    }
  | { readonly kind: 'renewed'; readonly leases: readonly LeaseRef[] }
  | { readonly kind: 'acknowledged'; readonly sequences: readonly bigint[] }
  | { readonly kind: 'stale'; readonly lease: LeaseRef }
  | { readonly kind: 'cancel'; readonly lease: LeaseRef; readonly reason: string }
  | { readonly kind: 'drain'; readonly graceMs: number }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly hint: string };
