/** Reads server-sent events as a page does: one after the other, for as long as it wants. */
export interface HeardEvent {
  readonly kind: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever it expects
  readonly data: any;
}

export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #ended = new AbortController();
  #rest = '';

  private constructor(body: ReadableStream<Uint8Array>, ended: AbortController) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader() as ReadableStreamDefaultReader<string>;
    this.#ended = ended;
  }

  static async open(url: string, lastEventId = ''): Promise<EventReader> {
    const ended = new AbortController();
    const response = await fetch(url, { headers: { 'Last-Event-ID': lastEventId }, signal: ended.signal });
    if (response.status !== 200 || response.body === null)
      throw new Error(`${response.status} ${await response.text()}`);
    return new EventReader(response.body, ended);
  }

  /** `null`: the stream has ended. */
  async next(): Promise<HeardEvent | null> {
    for (;;) {
      const end = this.#rest.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        const event = parsed(block);
        if (event !== null) return event;
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest += value;
    }
  }

  /** The first that is as wanted; those before are left out. */
  async until(isWanted: (event: HeardEvent) => boolean): Promise<HeardEvent> {
    for (;;) {
      const event = await this.next();
      if (event === null) throw new Error('the stream ended first');
      if (isWanted(event)) return event;
    }
  }

  close(): void {
    this.#ended.abort();
    this.#reader.cancel().catch(() => {});
  }
}

function parsed(block: string): HeardEvent | null {
  const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
  if (fields['data'] === undefined) return null;
  return { kind: fields['event'] ?? '', id: fields['id'] ?? '', data: JSON.parse(fields['data']) };
}
