/** What a container says, by line and with its time, as `kubectl logs` gives it: from the start, from the end, on and on. */
import { EventEmitter, once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

export interface LogQuery {
  /** The last lines alone. */
  readonly tail?: number;
  readonly sinceMs?: number;
  readonly limitBytes?: number;
  readonly withTimes: boolean;
  /** Goes on until the container has ended. */
  readonly follow: boolean;
}

export class ContainerLog {
  readonly #path: string;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #rests = new Map<string, string>();
  #hasEnded = false;

  constructor(path: string) {
    this.#path = path;
    writeFileSync(path, '');
  }

  /** Of stdout or stderr, whose lines do not mix. */
  append(stream: string, text: string): void {
    const lines = ((this.#rests.get(stream) ?? '') + text).split('\n');
    this.#rests.set(stream, lines.pop() ?? '');
    this.#write(lines);
  }

  end(): void {
    this.#write([...this.#rests.values()].filter((rest) => rest !== ''));
    this.#hasEnded = true;
    this.#changes.emit('change');
  }

  async *read({ tail, sinceMs = 0, limitBytes = Number.POSITIVE_INFINITY, withTimes, follow }: LogQuery) {
    let left = limitBytes;
    for await (const line of this.#lines(tail, follow)) {
      const end = line.indexOf(' ');
      if (Date.parse(line.slice(0, end)) < sinceMs) continue;
      const said = Buffer.from(`${withTimes ? line : line.slice(end + 1)}\n`).subarray(0, left);
      left -= said.length;
      yield said;
      if (left <= 0) return;
    }
  }

  async *#lines(tail: number | undefined, follow: boolean) {
    let lines = this.#all();
    let at = tail === undefined ? 0 : Math.max(0, lines.length - tail);
    for (;;) {
      for (; at < lines.length; at += 1) yield lines[at] ?? '';
      if (!follow || (this.#hasEnded && at >= this.#all().length)) return;
      if (at >= this.#all().length) await once(this.#changes, 'change');
      lines = this.#all();
    }
  }

  #all(): readonly string[] {
    return readFileSync(this.#path, 'utf8').split('\n').slice(0, -1);
  }

  #write(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const time = new Date().toISOString();
    appendFileSync(this.#path, lines.map((line) => `${time} ${line}\n`).join(''));
    this.#changes.emit('change');
  }
}
