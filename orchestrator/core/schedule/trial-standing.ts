/** A trial as scheduling sees it; the journal has the rest. */
import type { TrialState } from '../domain.js';
import type { Spent } from './retry.js';
import type { TrialNeed } from './trial-need.js';

export interface TrialStanding {
  readonly trialId: string;
  readonly state: TrialState;
  /** Attempts begun. */
  readonly attempts: number;
  /** Of the newest attempt; 0 before the first. */
  readonly token: bigint;
  /** The newest attempt's; `null` before the first. */
  readonly workerId: string | null;
  /** That the newest attempt got, where they are fewer than it needs; `null`: all of them. */
  readonly machines: number | null;
  readonly spent: Spent;
  readonly seed: number;
  /** Equal for trials that read the same model and dataset: a worker that has run one has both at hand. */
  readonly kind: string;
  readonly need: TrialNeed;
}

/** What stays of it: its seed only decides when its turn is. */
export type KnownTrial = Omit<TrialStanding, 'seed'>;
