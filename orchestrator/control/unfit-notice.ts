/** Says, once for each, what waits for more workers than there are: not at once, since they come one after the other. */
import type { Logger } from 'pino';
import type { UnfitNeed } from '../core/schedule/unfit.js';
import type { Clock, Timer } from './clock.js';

export interface UnfitNoticeParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leaseMs: number;
}

export class UnfitNotice {
  readonly #parts: UnfitNoticeParts;
  readonly #look: () => readonly UnfitNeed[];
  /** By key. */
  readonly #said = new Set<string>();
  #timer: Timer | null = null;

  constructor(parts: UnfitNoticeParts, look: () => readonly UnfitNeed[]) {
    this.#parts = parts;
    this.#look = look;
  }

  /** What was said and still is so. */
  standing(): readonly UnfitNeed[] {
    return this.#said.size === 0 ? [] : this.#look().filter(({ key }) => this.#said.has(key));
  }

  /** After whatever may have changed what there is. */
  soon(): void {
    const { clock, logger, leaseMs } = this.#parts;
    if (this.#timer !== null || this.#look().every(({ key }) => this.#said.has(key))) return;
    this.#timer = clock.after(leaseMs, () => {
      this.#timer = null;
      for (const { key, message, hint, code } of this.#look()) {
        if (this.#said.has(key)) continue;
        this.#said.add(key);
        logger.warn({ code, hint }, message);
      }
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
