/** What starts and stops workers. One for each place where they may run. */
import type { Failure } from '../core/domain.js';
import type { SweepError } from '../core/errors.js';

export interface LaunchContext {
  /** HOST:PORT of the control plane. */
  readonly address: string;
  readonly joinToken: string;
  /** The state folder. */
  readonly home: string;
  readonly workers: 'auto' | number;
  /** A worker's process has ended; `failure` says how. Its leases are nobody's any more. */
  readonly onExit: (workerId: string, failure: Failure) => void;
  /** No worker can be kept alive. */
  readonly onGiveUp: (error: SweepError) => void;
}

export interface Launcher {
  /** Whether workers outlive the control plane that launched them and may come back to the next one. */
  readonly workersSurvive: boolean;
  /** Once, before anything else. */
  open(context: LaunchContext): void;
  /** So many trials wait or run: have as many workers as they and the machine call for. Never fewer than before. */
  want(trials: number): Promise<void>;
  /** Starts no worker any more, also none in place of one that ends. */
  drain(): void;
  /** Ends every worker, and resolves when they have ended. */
  close(): Promise<void>;
}
