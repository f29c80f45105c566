/** The files of a report beside what its manifest says of them. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Manifest } from './read-manifest.js';

/** What is wrong, a line per file. */
export async function verifyFiles(folder: string, { files }: Manifest): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { name, sizeBytes, sha256 } of files) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found === null || !found.isFile()) {
      wrong.push(`${name} is missing`);
    } else if (found.size !== sizeBytes) {
      wrong.push(`${name} has ${found.size} bytes; the manifest says ${sizeBytes}`);
    } else if ((await sha256Of(path)) !== sha256) {
      wrong.push(`${name} was changed: its SHA-256 is not the manifest's`);
    }
  }
  return wrong;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
