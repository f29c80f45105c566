/**
 * Whether the datasets that lie here are those that trials read: a teacher counted from others says nothing of them. Of
 * what no trial read, as the release's outputs for its test split, nothing is known, and it is taken as it is.
 */
import type { DatasetSource, Trial } from '../../core/domain.js';
import type { TeacherLeftOut } from '../../reports/teacher-of.js';
import { FileHashes } from '../../sources/file-hashes.js';

/** By the names of datasets. @param home where hashes of files are kept */
export async function datasetsThatChanged(
  trials: readonly Trial[],
  home: string,
): Promise<ReadonlyMap<string, TeacherLeftOut>> {
  const hashes = await FileHashes.open(home);
  const found = new Map<string, TeacherLeftOut>();
  for (const [dataset, { directory, files }] of readBy(trials)) {
    const changed: string[] = [];
    const absent: string[] = [];
    for (const [path, { role, known }] of files) {
      const now = await hashes.sourceFile(directory, path, role).catch(() => null);
      if (now === null) absent.push(path);
      // Of two contents that trials read, one is not what lies there.
      else if (known.size > 1 || !known.has(now.sha256)) changed.push(path);
    }
    if (changed.length + absent.length > 0) found.set(dataset, { dataset, changed, absent });
  }
  await hashes.save();
  return found;
}

interface Read {
  /** Where the newest trial has it. */
  directory: string;
  /** By path, with every hash that a trial has of it. */
  readonly files: Map<string, { readonly role: DatasetSource['files'][number]['role']; readonly known: Set<string> }>;
}

function readBy(trials: readonly Trial[]): ReadonlyMap<string, Read> {
  const byName = new Map<string, Read>();
  // Trials share what they read, and there may be a million.
  const seen = new Set<DatasetSource>();
  for (const { settings, dataset } of trials) {
    if (seen.has(dataset)) continue;
    seen.add(dataset);
    const read = byName.get(settings.dataset) ?? { directory: dataset.directory, files: new Map() };
    byName.set(settings.dataset, read);
    read.directory = dataset.directory;
    for (const { path, role, sha256 } of dataset.files) {
      const file = read.files.get(path) ?? { role, known: new Set() };
      read.files.set(path, file);
      file.known.add(sha256);
    }
  }
  return byName;
}
