/**
 * A part of the set-up is over when its stamp holds the fingerprint of what it was made from. The stamp
 * lies inside what was made, so that deleting the one deletes the other, and is written last.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * @param {readonly string[]} values
 * @param {readonly string[]} [files] a missing one counts as such
 */
export function fingerprint(values, files = []) {
  const hash = createHash('sha256').update(JSON.stringify(values));
  for (const path of files) {
    const content = existsSync(path) ? readFileSync(path) : null;
    hash.update(`\0${content?.length ?? 'missing'}\0`);
    if (content !== null) hash.update(content);
  }
  return hash.digest('hex');
}

/**
 * Every file below a folder, as paths relative to it, sorted.
 * @param {string} folder
 */
export function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

const NAME = '.setup-stamp';

/** @param {string} folder */
export function readStamp(folder) {
  try {
    return readFileSync(join(folder, NAME), 'utf8');
  } catch {
    return null;
  }
}

/**
 * @param {string} folder
 * @param {string} print
 */
export function writeStamp(folder, print) {
  writeFileSync(join(folder, NAME), print);
}

/** @param {string} folder */
export function removeStamp(folder) {
  rmSync(join(folder, NAME), { force: true });
}
