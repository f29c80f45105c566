/** What `dss backup` does. */
import { acquireStateLock } from '../../control/state-lock.js';
import { SweepError } from '../../core/errors.js';
import { backupJournal, restoreJournal } from '../../journal/sqlite/backup.js';
import { resolveHome } from '../environment.js';
import { note, print, printJson } from '../output.js';

export interface BackupFlags {
  readonly file: string | undefined;
  readonly home: string | undefined;
  readonly json: boolean;
}

export async function backUp({ file, home: homeFlag, json }: BackupFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  const { path, bytes, removed } = backupJournal(home, file ?? null, Date.now());
  if (json) printJson({ file: path, bytes, removed });
  else print(`${path}: ${(bytes / 2 ** 20).toFixed(1)} MiB, checked`);
  note(
    `it has sweeps, results and curves; models that trials kept stay in ${home}/trials, files of the store in ${home}/store`,
  );
  for (const old of removed) note(`removed ${old}: the newest five are kept`);
  note(`to put it back: dss backup --restore ${path} --home ${home}`);
  return 0;
}

/** Throws SweepError STATE_HELD while a control plane runs. */
export async function putBack({
  file,
  restore,
  home: homeFlag,
  json,
}: BackupFlags & { readonly restore: string }): Promise<number> {
  if (file !== undefined) throw new SweepError('USAGE', `--restore ${restore} and a file to write to: ${file}`);
  const home = resolveHome(homeFlag);
  const lock = acquireStateLock(home);
  let aside: readonly string[];
  try {
    aside = restoreJournal(home, restore, Date.now());
  } finally {
    lock.release();
  }
  if (json) printJson({ restored: restore, aside });
  else print(`the journal of ${home} is now what ${restore} has`);
  for (const path of aside) note(`what was there is ${path}`);
  note('results that came after the copy was made are not in it: submitting a sweep again runs those trials again');
  return 0;
}
