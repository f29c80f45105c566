/** Where copies of the journal lie, and which is the newest. */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Names sort by time: `2026-11-25T15-53-36-120Z.db`, since a colon is no character for a file name everywhere. */
const NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z\.db$/;

export function backupsFolder(home: string): string {
  return join(home, 'backups');
}

/** For a name of a file that is made now. */
export function timeName(unixMs: number): string {
  return new Date(unixMs).toISOString().replaceAll(/[:.]/g, '-');
}

/** Absolute paths, oldest first. Copies that a person put elsewhere, or named, are that person's business. */
export function listBackups(home: string): readonly string[] {
  const folder = backupsFolder(home);
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return []; // there is none yet
  }
}

/** What to do about a journal that cannot be used. */
export function repairHint(journalPath: string): string {
  const home = dirname(journalPath);
  const newest = listBackups(home).at(-1);
  return newest === undefined
    ? 'put a copy of it back, or move it and its -wal and -shm files away to start afresh; nothing was changed'
    : `restore the newest backup: \`dss backup --restore ${newest} --home ${home}\`; nothing was changed`;
}
