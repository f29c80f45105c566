/** Log lines of trials, one text file for each: `2026-11-24T10:00:00.000Z attempt=1 stdout | text`. */
import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { oneLine } from '../core/text.js';
import type { LogLine } from '../core/worker-message.js';
import { failpoint } from './failpoints.js';

const LINE_BYTES = 8 * 1024;
const TRIAL_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 64 * 1024;
/** The year 9999, where ISO dates end. */
const LAST_UNIX_MS = 253_402_300_799_999;

export class LogStore {
  readonly #folder: string;
  readonly #limitBytes: number;
  /** Bytes by trial, of those written in this process. */
  readonly #sizes = new Map<string, number>();
  /** By trial, what wakes each of its readers. */
  readonly #readers = new Map<string, Set<() => void>>();

  constructor(home: string, limitBytes = TRIAL_BYTES) {
    this.#folder = join(home, 'logs');
    this.#limitBytes = limitBytes;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  append(trialId: string, attempt: number, lines: readonly LogLine[], dropped = 0): void {
    const texts = lines.map((line) => formatLine(attempt, line));
    const at = lines.at(-1)?.unixMs ?? 0;
    if (dropped > 0) {
      texts.push(
        formatLine(attempt, { unixMs: at, stream: 'dss', text: `${dropped} lines left out: too many at once` }),
      );
    }
    this.#write(trialId, texts.join(''), attempt, at);
  }

  /**
   * What is there, then what is added, for as long as `goesOn` says so when asked: before each look at the
   * file, so that the last lines are not missed. In pieces of whole lines.
   */
  async *read(trialId: string, goesOn: () => boolean, signal: AbortSignal): AsyncGenerator<readonly string[]> {
    let wake = () => {};
    const touched = () => wake();
    signal.addEventListener('abort', touched);
    const readers = this.#readers.get(trialId) ?? new Set();
    this.#readers.set(trialId, readers.add(touched));
    let position = 0;
    let rest = Buffer.alloc(0);
    try {
      for (;;) {
        const next = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const isLast = !goesOn();
        for await (const piece of readFrom(this.#path(trialId), position)) {
          position += piece.length;
          const bytes = Buffer.concat([rest, piece]);
          const end = bytes.lastIndexOf(10) + 1;
          rest = bytes.subarray(end);
          if (end > 0) yield bytes.toString('utf8', 0, end - 1).split('\n');
          if (signal.aborted) return;
        }
        if (isLast || signal.aborted) return;
        await next;
      }
    } finally {
      signal.removeEventListener('abort', touched);
      readers.delete(touched);
      if (readers.size === 0) this.#readers.delete(trialId);
    }
  }

  /** Wakes who follows a trial: there is more to read, or the trial has ended. */
  touch(trialId: string): void {
    for (const call of this.#readers.get(trialId) ?? []) call();
  }

  #path(trialId: string): string {
    return join(this.#folder, `${trialId}.log`);
  }

  #write(trialId: string, text: string, attempt: number, unixMs: number): void {
    const before = this.#sizes.get(trialId) ?? sizeOf(this.#path(trialId));
    if (before >= this.#limitBytes || text === '') return;
    const isOver = before + Buffer.byteLength(text) > this.#limitBytes;
    const note = 'the log is as long as it may be; what follows is left out';
    const written = isOver ? formatLine(attempt, { unixMs, stream: 'dss', text: note }) : text;
    failpoint('log-append');
    appendFileSync(this.#path(trialId), written, { mode: 0o600 });
    this.#sizes.set(trialId, isOver ? this.#limitBytes : before + Buffer.byteLength(text));
    this.touch(trialId);
  }
}

function formatLine(attempt: number, { unixMs, stream, text }: LogLine): string {
  const at = new Date(Math.min(Math.max(0, unixMs), LAST_UNIX_MS)).toISOString();
  return `${at} attempt=${attempt} ${stream} | ${clip(oneLine(text))}\n`;
}

function clip(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= LINE_BYTES) return text;
  // Cutting may split a character; what is left of it reads as U+FFFD and goes.
  const kept = Buffer.from(text)
    .toString('utf8', 0, LINE_BYTES)
    .replace(/\uFFFD+$/, '');
  return `${kept} … (${bytes - Buffer.byteLength(kept)} bytes more)`;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function* readFrom(path: string, from: number): AsyncGenerator<Buffer> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path);
  } catch {
    return; // nothing was written yet
  }
  try {
    for (let position = from; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
