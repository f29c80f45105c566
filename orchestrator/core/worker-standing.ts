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
}
