/** Reading the state folder. */
import type { JournalReader } from '../journal/journal.js';
import { isOutdated } from '../journal/sqlite/open-database.js';
import { openJournalReader } from '../journal/sqlite/sqlite-reader.js';

/** Opens the journal, hands it over, and closes it. */
export async function withJournal<T>(home: string, use: (journal: JournalReader | null) => T | Promise<T>): Promise<T> {
  if (isOutdated(home)) await bringUpToDate(home);
  const journal = openJournalReader(home);
  try {
    return await use(journal);
  } finally {
    journal?.close();
  }
}

/** Throws SweepError STATE_HELD where a control plane of the older version still writes. */
async function bringUpToDate(home: string): Promise<void> {
  const [{ acquireStateLock }, { openJournal }] = await Promise.all([
    import('../control/state-lock.js'),
    import('../journal/sqlite/sqlite-journal.js'),
  ]);
  const lock = acquireStateLock(home);
  try {
    openJournal(home).close();
  } finally {
    lock.release();
  }
}
