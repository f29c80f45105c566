/**
 * Which code made a report: a hash of dss's own files that decide about its numbers. Where they lie makes no difference.
 *
 * The files hashed are those that run: TypeScript from sources, JavaScript of an installed package, which have hashes of
 * their own (weighed, 2026-11-26: to keep the sources' hash beside what was built from them, and so one hash for both; but
 * then a change of what runs would not show). The worker's are Python in both. They are those beside this control plane:
 * a worker of another machine hashes its own in the same way, and its results say so (`own_code.py` there).
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CodeHash, MadeByCode } from '../reports/manifest.js';
import { pythonPath } from './python.js';

/** From a sweep file to trials, and from results to numbers. */
const DECISIVE = ['core', 'exports', 'plan', 'reports', 'sources', 'cli/data', 'cli/readers'];

export async function ownCode(): Promise<MadeByCode> {
  const own = fileURLToPath(import.meta.url);
  const [controlPlane, worker] = await Promise.all([
    hashOfFiles(dirname(dirname(own)), DECISIVE, extname(own)),
    // An image of the control plane alone has none.
    hashOfFiles(join(pythonPath(), 'dss_worker'), ['.'], '.py').catch(absent),
  ]);
  return { controlPlane, worker };
}

/** Of every file whose name ends so in these folders of one: its path within, and what it holds. */
export async function hashOfFiles(root: string, folders: readonly string[], ending: string): Promise<CodeHash> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(join(root, folder), { recursive: true });
      return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name).split(sep).join('/'));
    }),
  );
  const names = found.flat().sort();
  const hash = createHash('sha256');
  for (const name of names) {
    const bytes = await readFile(join(root, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return { ending, files: names.length, sha256: hash.digest('hex') };
}

function absent(reason: NodeJS.ErrnoException): null {
  if (reason.code === 'ENOENT') return null;
  throw reason;
}
