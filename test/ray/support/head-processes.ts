/** What runs of a Ray head: Ray gives its environment on to all that it starts, and so this finds its workers too. */
import { readdirSync, readFileSync } from 'node:fs';
import { isAlive } from '../../support/processes.js';

/** Holds the head's folder, in the environment of the head. */
export const MARK = 'DSS_TEST_RAY_HEAD';

export function processesOf(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAlive(pid) && isMarked(pid, folder));
}

function isMarked(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${MARK}=${folder}\0`);
  } catch {
    return false; // it ended meanwhile
  }
}
