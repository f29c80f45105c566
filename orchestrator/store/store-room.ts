/**
 * Room on a disk for files that are on their way. At first a file has little kept for it, then as much again as has
 * come: whoever announces much and sends little, be it a byte a minute, keeps little from others. What would not fit
 * as it was announced is refused at once all the same.
 */
import { byteCount } from '../core/byte-count.js';
import { SweepError } from '../core/errors.js';

/** Kept for a file of which nothing has come. */
const AHEAD_BYTES = 64 * 1024 ** 2;
/** Of one caller. */
const MOST_FILES = 16;
/** Of the room that is there, what is kept for one caller at most. */
const SHARE_OF_A_CALLER = 0.75;

/** What is kept for one caller and has not come so far. */
interface Kept {
  bytes: number;
  files: number;
}

/** Of one file. */
export interface Place {
  /** So much more of it is on the disk. Throws SweepError STORE_FULL where no room is left for what is to come. */
  wrote(bytes: number): void;
  /** All has come, or no more will. */
  leave(): void;
}

export class StoreRoom {
  readonly #freeBytes: () => number;
  readonly #full: (sizeBytes: number) => SweepError;
  readonly #keptOf = new Map<string, Kept>();
  #keptBytes = 0;

  /** @param freeBytes what may be taken of the disk now, @param full the error for a file that finds no room */
  constructor(freeBytes: () => number, full: (sizeBytes: number) => SweepError) {
    this.#freeBytes = freeBytes;
    this.#full = full;
  }

  /** @throws SweepError STORE_FULL */
  take(sizeBytes: number, caller: string): Place {
    const kept = this.#keptOf.get(caller) ?? { bytes: 0, files: 0 };
    if (kept.files >= MOST_FILES) throw tooMany(kept);
    this.#mustFit(sizeBytes, sizeBytes, kept);
    this.#keptOf.set(caller, kept);
    kept.files += 1;
    let [came, own] = [0, 0];
    const keep = (bytes: number) => {
      own += bytes;
      kept.bytes += bytes;
      this.#keptBytes += bytes;
    };
    keep(Math.min(sizeBytes, AHEAD_BYTES));
    return {
      wrote: (bytes) => {
        came += bytes;
        keep(-Math.min(bytes, own));
        if (own > 0 || came >= sizeBytes) return;
        const more = Math.min(sizeBytes - came, Math.max(AHEAD_BYTES, came));
        this.#mustFit(more, sizeBytes, kept);
        keep(more);
      },
      leave: () => {
        keep(-own);
        kept.files -= 1;
        if (kept.files === 0) this.#keptOf.delete(caller);
      },
    };
  }

  /** `sizeBytes`: of the file that these bytes are of. */
  #mustFit(bytes: number, sizeBytes: number, kept: Kept): void {
    const room = this.#freeBytes();
    if (this.#keptBytes + bytes > room) throw this.#full(sizeBytes);
    if (kept.bytes + bytes > room * SHARE_OF_A_CALLER) throw tooMuch(sizeBytes, kept, room);
  }
}

function tooMuch(sizeBytes: number, kept: Kept, room: number): SweepError {
  const most = byteCount(room * SHARE_OF_A_CALLER);
  const also = kept.bytes === 0 ? '' : ` beside ${byteCount(kept.bytes)} that are on their way`;
  return new SweepError(
    'STORE_FULL',
    `a file of ${byteCount(sizeBytes)} was announced${also}; one caller has ${most}`,
    {
      hint: 'send one file after the other; a single one that is larger needs more room on the disk of the state folder',
    },
  );
}

function tooMany(kept: Kept): SweepError {
  return new SweepError('STORE_FULL', `${kept.files} files of one caller are on their way already`, {
    hint: 'send one file after the other',
  });
}
