/**
 * journal.db.open lies beside a journal that is being written. SQLite takes a database without its -wal for a whole one,
 * so that losing that file would silently take back what was last acknowledged. A writer that ends properly removes the
 * mark and then lets SQLite remove the -wal; after any other end both are there, or something is missing.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';

function markPath(journalPath: string): string {
  return `${journalPath}.open`;
}

export function markOpen(journalPath: string): void {
  writeFileSync(markPath(journalPath), '', { mode: 0o600 });
}

export function markClosed(journalPath: string): void {
  rmSync(markPath(journalPath), { force: true });
}

/** Whether a writer was killed and its -wal is not there any more. */
export function hasLostWal(journalPath: string): boolean {
  return existsSync(markPath(journalPath)) && !existsSync(`${journalPath}-wal`);
}

export function lostWalHint(journalPath: string, otherwise: string): string {
  return `put the -wal back; or ${otherwise}; or, if another program has opened the file and so written it back, remove ${markPath(journalPath)}`;
}
