/** Ctrl-C, SIGTERM and a terminal that closes: the first asks to drain, the second to stop at once, the third just ends. */

export const SIGNAL_STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
export type StopSignal = keyof typeof SIGNAL_STATUS;

export class StopSignals implements Disposable {
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();
  #first: StopSignal | null = null;

  constructor() {
    for (const name of Object.keys(SIGNAL_STATUS) as StopSignal[]) process.on(name, this.#hear);
  }

  /** Aborted by the first signal. */
  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  /** Aborted by the second. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** The exit status that the first signal calls for; `null`: none came. */
  get status(): number | null {
    return this.#first === null ? null : SIGNAL_STATUS[this.#first];
  }

  /** As if SIGTERM had come: somebody has asked for the end who cannot send a signal. */
  ask(): void {
    if (!this.#drain.signal.aborted) this.#hear('SIGTERM');
  }

  /** Does something that obeys `drain`; gives the exit status when it ended because of it. */
  async orStatus<T>(work: () => Promise<T>): Promise<T | number> {
    try {
      return await work();
    } catch (reason) {
      if (this.status !== null) return this.status;
      throw reason;
    }
  }

  [Symbol.dispose](): void {
    for (const name of Object.keys(SIGNAL_STATUS) as StopSignal[]) process.off(name, this.#hear);
  }

  readonly #hear = (name: NodeJS.Signals): void => {
    if (this.#stop.signal.aborted) process.exit(this.status ?? 1);
    if (this.#drain.signal.aborted) {
      this.#stop.abort();
      return;
    }
    this.#first = name as StopSignal;
    this.#drain.abort();
  };
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
