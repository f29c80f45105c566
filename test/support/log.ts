/** What a control plane logs, for tests that wait for it or look through it. */
import { type Logger, pino } from 'pino';

export class Log {
  readonly logger: Logger;
  readonly #waiting = new Set<() => void>();
  #text = '';

  constructor() {
    const write = (line: string) => {
      this.#text += line;
      for (const look of this.#waiting) look();
    };
    this.logger = pino({ level: 'debug' }, { write });
  }

  get text(): string {
    return this.#text;
  }

  /** Resolves once there is a line like that. */
  says(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!pattern.test(this.#text)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
