import type { TrialProgress } from './trial-progress.js';

/** How busy a device is, by whomever. */
export interface DeviceLoad {
  /** Share of its time, from 0 to 1; `null`: unknown. */
  readonly utilization: number | null;
  readonly memoryUsedBytes: number;
  /** 0: unknown. */
  readonly memoryTotalBytes: number;
}

export interface WorkerLoad {
  /** In the order of the worker's devices. */
  readonly devices: readonly DeviceLoad[];
  /** Training processes that are up, their libraries loaded. */
  readonly warm: number;
}

/** A worker, for people. */
export interface WorkerStanding {
  readonly workerId: string;
  readonly host: string;
  readonly slots: number;
  /** Attempts that it runs or holds ready. */
  readonly lent: number;
  /** `gone`: its stream is broken. `draining`: it ends what it runs. `drained`: nothing is lent to its host any more. */
  readonly state: 'idle' | 'busy' | 'gone' | 'draining' | 'drained';
  /** Why it is drained; else empty. */
  readonly reason: string;
  /** Names. */
  readonly devices: readonly string[];
  /** As it said a moment ago; `null`: it has not. */
  readonly load: WorkerLoad | null;
  /** In the order in which it began them; what it holds ready is not among them. */
  readonly running: readonly TrialProgress[];
}
