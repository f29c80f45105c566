/** Says, once for each, what waits for more workers than there are: not at once, since they come one after the other. */
import type { Logger } from 'pino';
import type { Clock, Timer } from './clock.js';

export interface UnfitNoticeParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly leaseMs: number;
}

export class UnfitNotice {
  readonly #parts: UnfitNoticeParts;
  readonly #look: () => readonly string[];
  readonly #said = new Set<string>();
  #timer: Timer | null = null;

  constructor(parts: UnfitNoticeParts, look: () => readonly string[]) {
    this.#parts = parts;
    this.#look = look;
  }

  /** After whatever may have changed what there is. */
  soon(): void {
    const { clock, logger, leaseMs } = this.#parts;
    if (this.#timer !== null || this.#look().every((each) => this.#said.has(each))) return;
    this.#timer = clock.after(leaseMs, () => {
      this.#timer = null;
      for (const each of this.#look()) {
        if (this.#said.has(each)) continue;
        this.#said.add(each);
        logger.warn(`${each}: it waits until there are more`);
      }
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
