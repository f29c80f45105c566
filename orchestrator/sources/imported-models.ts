/** Models whose weights `dss models import` converted: in the state folder, by their hub names. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';

/** What the import leaves beside the weights; import_record.py says what each field is. */
const RECORD = 'dss-import.json';

const HashedFile = z.object({ path: z.string(), sha256: z.string(), size_bytes: z.number() });

export const ImportRecord = z.object({
  name: z.string().nullable(),
  revision: z.string().nullable(),
  source: z.array(HashedFile),
  files: z.array(HashedFile),
  tensors: z.number(),
  parameters: z.number(),
  dtypes: z.array(z.string()),
  left_out: z.array(z.string()),
  has_output_layer: z.boolean(),
  isolation: z.enum(['namespace', 'settings']),
});
export type ImportRecord = z.infer<typeof ImportRecord>;

/** Where a hub model's import lies, or would. */
export function importedModelPath(home: string, name: string): string {
  return join(home, 'models', name);
}

/**
 * The directory of a hub model that was imported. It is taken before the hub's cache is looked at: it was made on
 * purpose, and the same command then trains the same model.
 */
export function importedModel(home: string, name: string): string | null {
  const directory = importedModelPath(home, name);
  return existsSync(join(directory, RECORD)) ? directory : null;
}

export interface ImportedModel {
  readonly directory: string;
  readonly record: ImportRecord;
}

/** Of the state folder, by name; what holds no record that can be read is left out. */
export async function listImportedModels(home: string): Promise<readonly ImportedModel[]> {
  const root = join(home, 'models');
  const entries = await readdir(root, { recursive: true }).catch(() => []);
  const found: ImportedModel[] = [];
  for (const entry of entries.filter((path) => basename(path) === RECORD).sort()) {
    // An import that was killed leaves a folder whose name begins with a dot.
    const isWhole = !entry.split('/').some((part) => part.startsWith('.'));
    const record = isWhole ? await readRecord(join(root, entry)) : null;
    if (record !== null) found.push({ directory: join(root, dirname(entry)), record });
  }
  return found;
}

async function readRecord(path: string): Promise<ImportRecord | null> {
  try {
    const parsed = ImportRecord.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
