/**
 * Answers under way, of those that are large or last: what a reader has not taken yet lies in memory, so that there may be
 * few of them for each who asks, and not many for all together.
 */
export class InFlight {
  readonly #most: number;
  readonly #mostEach: number;
  readonly #byReader = new Map<string, number>();
  #all = 0;

  constructor(most: number, mostEach: number) {
    this.#most = most;
    this.#mostEach = mostEach;
  }

  /** Gives what ends it, which may be called again; `null`: there are too many. */
  begin(who: string): (() => void) | null {
    const own = this.#byReader.get(who) ?? 0;
    if (own >= this.#mostEach || this.#all >= this.#most) return null;
    this.#count(who, 1);
    let hasEnded = false;
    return () => {
      if (!hasEnded) this.#count(who, -1);
      hasEnded = true;
    };
  }

  #count(who: string, by: number): void {
    const own = (this.#byReader.get(who) ?? 0) + by;
    this.#all += by;
    if (own === 0) this.#byReader.delete(who);
    else this.#byReader.set(who, own);
  }
}
