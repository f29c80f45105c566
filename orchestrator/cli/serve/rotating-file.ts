/**
 * A log file that stays small: when it is full it becomes `NAME.1`, and what was `NAME.1` becomes `NAME.2`, up to a few.
 * Written at once, so that none of the last lines is lost; a full disk loses lines and stops nothing.
 */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const MOST_BYTES = 8 * 1024 * 1024;
const OLDER = 4;

export class RotatingFile {
  readonly #path: string;
  readonly #mostBytes: number;
  #bytes: number | null = null;

  constructor(path: string, mostBytes = MOST_BYTES) {
    this.#path = path;
    this.#mostBytes = mostBytes;
  }

  write(line: string): void {
    try {
      this.#bytes ??= this.#open();
      const bytes = Buffer.byteLength(line);
      if (this.#bytes > 0 && this.#bytes + bytes > this.#mostBytes) this.#rotate();
      appendFileSync(this.#path, line, { mode: 0o600 });
      this.#bytes += bytes;
    } catch {
      this.#bytes = null; // looked at anew by the next line
    }
  }

  #open(): number {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }

  #rotate(): void {
    for (let age = OLDER; age >= 1; age -= 1) {
      const younger = age === 1 ? this.#path : `${this.#path}.${age - 1}`;
      if (statSync(younger, { throwIfNoEntry: false }) !== undefined) renameSync(younger, `${this.#path}.${age}`);
    }
    this.#bytes = 0;
  }
}
