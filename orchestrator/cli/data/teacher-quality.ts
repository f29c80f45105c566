/** How good the teachers of a sweep's datasets are: what `data check` counts, kept until a file changes. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Trial } from '../../core/domain.js';
import { SweepError } from '../../core/errors.js';
import type { TeacherQuality } from '../../reports/sweep-report.js';
import { note } from '../output.js';
import { requestDataCheck, teachersOf } from './data-check-request.js';

const Cached = z.array(
  z.object({
    dataset: z.string(),
    teacher: z.string().nullable(),
    split: z.enum(['train', 'valid', 'test']),
    rows: z.number(),
    labelAccuracy: z.number(),
    rationaleCoverage: z.number().nullable(),
    rationaleWords: z.object({ mean: z.number(), p99: z.number() }).nullable(),
  }),
);

/** A report without the teacher is better than none, so that what goes wrong here is only said. */
export async function findTeacherQuality(trials: readonly Trial[], home: string): Promise<readonly TeacherQuality[]> {
  const datasets = new Map(trials.map(({ settings, dataset }) => [settings.dataset, dataset.directory]));
  const found: TeacherQuality[] = [];
  for (const [name, root] of datasets) {
    try {
      found.push(...(await qualityOf(root, name, home)));
    } catch (reason) {
      note(`the teacher of ${name} is left out of the report: ${SweepError.from(reason).message}`);
    }
  }
  return found;
}

async function qualityOf(root: string, name: string, home: string): Promise<readonly TeacherQuality[]> {
  const folder = join(home, 'cache', 'teachers');
  const path = join(folder, `${await fingerprint(root, name)}.json`);
  const cached = await readCached(path);
  if (cached !== null) return cached;
  const quality = teachersOf(await requestDataCheck({ root, names: [name], model: null }));
  await mkdir(folder, { recursive: true });
  await writeFile(path, JSON.stringify(quality));
  return quality;
}

async function readCached(path: string): Promise<readonly TeacherQuality[] | null> {
  try {
    const parsed = Cached.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // absent, or cut short by a crash: it is counted again
  }
}

/** Of every file of a dataset: name, size and time of change; and of what is counted, so that an older count is none. */
async function fingerprint(root: string, name: string): Promise<string> {
  const hash = createHash('sha256').update('3\0');
  for (const folder of [join(root, name), join(root, 'gpt-neox', name)]) {
    const entries = await readdir(folder, { recursive: true }).catch(() => []);
    for (const entry of entries.sort()) {
      const { size, mtimeMs } = await stat(join(folder, entry));
      hash.update(`${folder}\0${entry}\0${size}\0${mtimeMs}\0`);
    }
  }
  return hash.digest('hex').slice(0, 32);
}
