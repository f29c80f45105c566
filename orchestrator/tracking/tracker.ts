/** What a sweep is sent to. */

import type { TrackedTrial } from './tracked.js';
import type { TrackedCell } from './tracked-cell.js';

/**
 * Sending is idempotent: what was sent is not sent again, by this process or a later one. Every method throws SweepError;
 * UNAVAILABLE where the same again may go well later.
 */
export interface Tracker {
  /** For messages; without anything secret. */
  readonly place: string;
  /** What was said to be complete with `settle`, of a trial or a cell; `null`: nothing was. */
  settled(id: string): string | null;
  trial(trial: TrackedTrial): Promise<void>;
  /** After its trials. */
  cell(cell: TrackedCell): Promise<void>;
  /** All of a trial or cell as it stands is there; it need not be read again until it stands otherwise. */
  settle(id: string, standing: string): Promise<void>;
  /** Where a person finds it. */
  found(): string;
  close(): Promise<void>;
}
