/** What the operating system refuses of files, and SQLite for it, in words that say what to do. */

export interface DiskTrouble {
  readonly code: 'DISK_FULL' | 'FILE_REFUSED' | 'PATH_INVALID';
  readonly message: string;
  readonly hint: string;
}

const FULL = {
  code: 'DISK_FULL',
  what: 'no space is left on the disk',
  hint: 'make room there, and run the same command again; nothing that was done is lost',
} as const;
const READ_ONLY = {
  code: 'FILE_REFUSED',
  what: 'the disk is mounted read-only',
  hint: 'name a folder elsewhere: --out for a report, --home or DSS_HOME for the state folder',
} as const;
const DENIED = {
  code: 'FILE_REFUSED',
  what: 'permission denied',
  hint: 'run it as the user whose file that is, or name a folder of your own: --out for a report, --home or DSS_HOME for the state folder',
} as const;
const NO_FOLDER = {
  code: 'PATH_INVALID',
  what: 'expected a folder, got a file',
  hint: 'name another folder, or move the file away',
} as const;
/** So Node words a read-only disk when it makes several folders at once. */
const NOT_MADE = {
  code: 'FILE_REFUSED',
  what: 'the folder cannot be made',
  hint: `it may be that the disk is mounted read-only: ${READ_ONLY.hint}`,
} as const;
const NO_FILE = {
  code: 'PATH_INVALID',
  what: 'expected a file, got a folder',
  hint: 'name a file in it',
} as const;

const KINDS: Readonly<Record<string, Omit<DiskTrouble, 'message'> & { readonly what: string }>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  SQLITE_FULL: FULL,
  EROFS: READ_ONLY,
  EACCES: DENIED,
  EPERM: DENIED,
  SQLITE_READONLY: { ...DENIED, what: 'the journal may not be written' },
  ENOTDIR: NO_FOLDER,
  'EEXIST mkdir': NO_FOLDER,
  'ENOENT mkdir': NOT_MADE,
  EISDIR: NO_FILE,
};

/** `null`: it is something else. What names no path, as of a process or a port, is no file unless the disk is full. */
export function diskTroubleOf(reason: unknown): DiskTrouble | null {
  if (!(reason instanceof Error) || !('code' in reason) || typeof reason.code !== 'string') return null;
  const path = 'path' in reason && typeof reason.path === 'string' ? reason.path : '';
  const name = reason.code.replace(/^(SQLITE_[A-Z]+)_.*/, '$1');
  const names = 'syscall' in reason ? [`${name} ${reason.syscall}`, name] : [name];
  const kind = names.map((each) => (Object.hasOwn(KINDS, each) ? KINDS[each] : undefined)).find((each) => each);
  if (kind === undefined || (path === '' && kind !== FULL && !reason.code.startsWith('SQLITE'))) return null;
  const { code, what, hint } = kind;
  return { code, message: path === '' ? what : `${path}: ${what}`, hint };
}
