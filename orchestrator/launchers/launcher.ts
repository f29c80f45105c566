/** What starts and stops workers. One for each place where they may run. */

import type { Failure } from '../core/domain.js';
import type { SweepError } from '../core/errors.js';
import type { Notice } from '../core/notice.js';
import type { Demand } from '../core/schedule/demand.js';
import type { Place, PlaceName } from '../core/sweep/place.js';

export interface LaunchContext {
  /** HOST:PORT of the control plane, for processes of this machine. */
  readonly address: string;
  /** For other machines, by TLS; `null`: none of them can reach it. */
  readonly reachable: Reachable | null;
  /** For workers on this machine. */
  readonly joinToken: string;
  /**
   * A new token to join by as one of a pool, whose name begins with the place and a dot. Its hash is kept in the state
   * folder, so that it is good for the next control plane too, and the last two of a pool are.
   */
  readonly grantPool: (pool: string) => string;
  /** From now on nobody joins that pool. */
  readonly revokePool: (pool: string) => void;
  /** The state folder. */
  readonly home: string;
  readonly workers: 'auto' | number;
  /** A worker's process has ended; `failure` says how. Its leases are nobody's any more. */
  readonly onExit: (workerId: string, failure: Failure) => void;
  /** Whether the worker speaks to the control plane now; without it nobody knows. */
  readonly isConnected?: (workerId: string) => boolean;
  /** Whether it has ever spoken to this control plane. */
  readonly hasJoined?: (workerId: string) => boolean;
  /** Whether it was lent a trial that it has not ended yet. */
  readonly isBusy?: (workerId: string) => boolean;
  /** What the place says of workers that do not start. The same key replaces what it said before; `null`: it is over. */
  readonly onNotice: (key: string, notice: Notice | null) => void;
  /** No worker can be kept alive. */
  readonly onGiveUp: (error: SweepError) => void;
}

export interface Reachable {
  /** HOST:PORT. */
  readonly address: string;
  /** HOST:PORT of files; `null`: they do not travel. */
  readonly storeAddress: string | null;
  /** PEM of the certificate authority that signs for both. */
  readonly ca: string;
}

/** A worker that a launcher started. */
export interface LaunchedWorker {
  readonly workerId: string;
  /** The name that its token gives it; empty: workers on this machine. */
  readonly pool: string;
  readonly state: 'starting' | 'running' | 'stopping';
  /** What the place calls it and says of it, for people. */
  readonly detail: string;
}

export interface Launcher {
  readonly place: PlaceName;
  /** Whether workers outlive the control plane that launched them and may come back to the next one. */
  readonly workersSurvive: boolean;
  /** @throws SweepError when no worker could ever start there as the place asks for it */
  check(place: Place): void;
  /** Once, before anything else. */
  open(context: LaunchContext): void;
  /**
   * At every change of what the sweeps of this place ask for, and now and then without one. Resolves when workers are
   * on their way. A place that does not answer is a notice; it rejects when nothing can come of trying again.
   */
  want(demands: readonly Demand[]): Promise<void>;
  /** What it started, as the place sees it now. */
  list(): Promise<readonly LaunchedWorker[]>;
  /** Starts no worker any more, also none in place of one that ends. */
  drain(): void;
  /** Ends every worker, unless they survive, and resolves when that and all else of it has ended. */
  close(): Promise<void>;
}
