/**
 * What is said to one peer. grpc-js buffers without limit whatever `write` is given, so this waits for
 * `drain` and keeps what is to be said in a queue with an end. Messages under the same key are news of
 * the same thing: the newest replaces the one that still waits. A peer that lets the queue fill is cut off.
 */
export interface Sink<T> {
  write(message: T): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

export class BoundedWriter<T> {
  readonly #sink: Sink<T>;
  readonly #limit: number;
  readonly #overflow: () => void;
  /** In order of saying; keys of news are texts, those of all else numbers. */
  readonly #waiting = new Map<string | number, T>();
  #next = 0;
  #isBlocked = false;
  #isClosed = false;
  #whenEmpty: (() => void) | null = null;

  constructor(sink: Sink<T>, limit: number, overflow: () => void) {
    this.#sink = sink;
    this.#limit = limit;
    this.#overflow = overflow;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  send(message: T, newsOf?: string): void {
    if (this.#isClosed) return;
    if (!this.#isBlocked) {
      this.#write(message);
      return;
    }
    this.#next += 1;
    this.#waiting.set(newsOf ?? this.#next, message);
    if (this.#waiting.size > this.#limit) {
      this.close();
      this.#overflow();
    }
  }

  /** Calls when everything has been handed over; at once when nothing waits. */
  whenEmpty(call: () => void): void {
    if (this.#waiting.size === 0 && !this.#isBlocked) call();
    else this.#whenEmpty = call;
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
    this.#whenEmpty = null;
  }

  #write(message: T): void {
    if (this.#sink.write(message)) return;
    this.#isBlocked = true;
    this.#sink.once('drain', () => this.#drained());
  }

  #drained(): void {
    this.#isBlocked = false;
    for (const [key, message] of this.#waiting) {
      if (this.#isBlocked || this.#isClosed) return;
      this.#waiting.delete(key);
      this.#write(message);
    }
    if (this.#isBlocked || this.#isClosed) return;
    const call = this.#whenEmpty;
    this.#whenEmpty = null;
    call?.();
  }
}
