/** The state folder: who may read it, what it lies on, who holds it, and what was left behind. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isStateHeld } from '../../control/state-lock.js';
import { listBackups } from '../../journal/sqlite/backups.js';
import { networkFileSystem } from '../../journal/sqlite/open-database.js';
import { counted, gibibytes } from '../../reports/format.js';
import { checkCertificates } from './doctor-certificates.js';
import { type Check, ok, problem, warning } from './doctor-check.js';

const LOW_BYTES = 2 ** 30;
const NO_BYTES = 64 * 2 ** 20;

export function checkStateFolder(home: string): readonly Check[] {
  const [permissions, ...rest] = [checkPermissions(home), checkDisk(home), checkFileSystem(home)];
  if (permissions === undefined || permissions.verdict === 'problem')
    return permissions === undefined ? rest : [permissions];
  return [
    permissions,
    ...rest,
    checkHolder(home),
    checkFolder(home, 'logs', 'logs'),
    checkFolder(home, 'token cache', join('cache', 'tokens')),
    checkBackups(home),
    ...checkCertificates(join(home, 'auth'), Date.now()),
  ];
}

function checkPermissions(home: string): Check {
  const name = 'permissions';
  const { mode, uid } = statSync(home);
  try {
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === 'EROFS') {
      const move = `mount it for writing, or name another folder: dss … --home DIR (now ${home})`;
      return problem(name, `${home}: the disk is mounted read-only`, move);
    }
    return problem(name, `${home} belongs to user ${uid} and cannot be written`, `sudo chown -R "$USER" ${home}`);
  }
  const secrets = ['journal.db', 'control.json', 'join-token'].filter((file) => isOpen(join(home, file)));
  if (secrets.length > 0) {
    const paths = secrets.map((file) => join(home, file)).join(' ');
    return problem(name, `others may read ${secrets.join(', ')}`, `chmod 600 ${paths}`);
  }
  const isPrivate = (mode & 0o077) === 0;
  if (isPrivate) return ok(name, 'for its owner only');
  return warning(name, `mode ${(mode & 0o777).toString(8)}: others may look in`, `chmod 700 ${home}`);
}

function isOpen(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o077) !== 0;
}

function checkDisk(home: string): Check {
  const { bavail, bsize, files, ffree } = statfsSync(home);
  const free = bavail * bsize;
  const what = `${gibibytes(free)} free`;
  const repair = `make room, or move the folder and name it: dss … --home DIR (now ${home})`;
  if (files > 0 && ffree === 0) return problem('disk', 'no inode is free: no file can be made', repair);
  if (free < NO_BYTES) return problem('disk', what, repair);
  return free < LOW_BYTES ? warning('disk', what, repair) : ok('disk', what);
}

/** Linux's numbers for what people have. */
const LOCAL: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  2035054128: 'overlay',
  26: 'apfs',
};
const TMPFS = 16914836;

function checkFileSystem(home: string): Check {
  const name = 'file system';
  const network = networkFileSystem(home);
  const move = 'move the folder to a disk of this machine and name it: dss … --home DIR, or DSS_HOME';
  if (network !== null) return problem(name, `${network}: SQLite's locks cannot be relied on there`, move);
  const { type } = statfsSync(home);
  if (type === TMPFS) return warning(name, 'tmpfs: all of it is gone when the machine restarts', move);
  return ok(name, LOCAL[type] ?? `type ${type}`);
}

function checkHolder(home: string): Check {
  const name = 'holder';
  const file = join(home, 'control.json');
  const isHeld = isStateHeld(home);
  if (!existsSync(file)) return ok(name, isHeld ? 'a dss that is starting or reading' : 'nobody');
  const { pid, address } = readHolder(file);
  if (isHeld) return ok(name, `pid ${pid} at ${address}`);
  // Not a problem: the next start removes it.
  return warning(
    name,
    `control.json is left from pid ${pid}, which did not end properly`,
    'dss sweep FILE goes on where it ended',
  );
}

function readHolder(path: string): { readonly pid: string; readonly address: string } {
  try {
    const { pid, address } = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
    return { pid: String(pid), address: String(address) };
  } catch {
    return { pid: '?', address: 'an unknown address' };
  }
}

/** Absent is fine: it is made when it is needed. */
function checkFolder(home: string, name: string, folder: string): Check {
  const path = join(home, folder);
  if (!existsSync(path)) return ok(name, 'none yet');
  if (!statSync(path).isDirectory()) return problem(name, `${path} is no folder`, `mv ${path} ${path}.old`);
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return problem(name, `${path} cannot be written`, `sudo chown -R "$USER" ${path}`);
  }
  return ok(name, counted(readdirSync(path).length, 'entry', 'entries'));
}

const OLD_MS = 7 * 24 * 3_600_000;

function checkBackups(home: string): Check {
  const name = 'backups';
  const newest = listBackups(home).at(-1);
  if (newest === undefined) return ok(name, `none; \`dss backup --home ${home}\` makes one`);
  const ageMs = Date.now() - statSync(newest).mtimeMs;
  const what = `newest ${newest}`;
  return ageMs < OLD_MS ? ok(name, what) : warning(name, `${what}, older than a week`, `dss backup --home ${home}`);
}
