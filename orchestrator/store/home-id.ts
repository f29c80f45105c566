/** Names a state folder: whoever reads the same name in it, from wherever, has the same folder before them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HOME_ID = /^[0-9a-f]{32}$/;

/** `null`: it has none, or what is there is no name. */
export function readHomeId(home: string): string | null {
  try {
    const text = readFileSync(join(home, 'id'), 'utf8').trim();
    return HOME_ID.test(text) ? text : null;
  } catch {
    return null;
  }
}

/** Made once. For whoever holds the folder's lock. */
export function ensureHomeId(home: string): string {
  const known = readHomeId(home);
  if (known !== null) return known;
  const homeId = randomBytes(16).toString('hex');
  const path = join(home, 'id');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${homeId}\n`);
  renameSync(`${path}.new`, path);
  return homeId;
}
