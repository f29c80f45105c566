/** Where the store keeps what, below the state folder. Names are digests and trial ids, both checked by the wire. */
import { join } from 'node:path';

export interface StorePaths {
  readonly root: string;
  /** What trials read, in folders by the first two digits. */
  readonly files: string;
  /** A folder for each trial that has files here. */
  readonly trials: string;
  /** On its way out. */
  readonly removed: string;
}

/** Ends the name of what is being written. */
export const UNFINISHED = '.part';

export function storePaths(home: string): StorePaths {
  const root = join(home, 'store');
  return { root, files: join(root, 'files'), trials: join(root, 'trials'), removed: join(root, 'removed') };
}

/** @param scope a trial, or empty for what trials read */
export function storedPath(home: string, scope: string, sha256: string): string {
  const { files, trials } = storePaths(home);
  return scope === '' ? join(files, sha256.slice(0, 2), sha256) : join(trials, scope, sha256);
}
