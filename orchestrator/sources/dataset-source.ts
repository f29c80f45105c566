/** Finds a dataset below the datasets root in either layout, and what keeps it from being trained on. */
import type { Teacher } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { DatasetFacts } from '../core/sweep/source-facts.js';
import { isFolder, readFolder } from './folder-dataset.js';
import { missingDataset } from './missing-dataset.js';
import { isRelease, readRelease } from './release-dataset.js';
import { problemOf, type SourceContext } from './source-context.js';

/**
 * @param teachers whose outputs some trial reads; in the release's layout others are not looked for
 */
export async function readDataset(
  root: string,
  name: string,
  teachers: ReadonlySet<Teacher>,
  context: SourceContext,
): Promise<DatasetFacts> {
  try {
    if (isRelease(root, name)) return await readRelease(root, name, teachers, context);
    if (isFolder(root, name)) return await readFolder(root, name, context);
    throw await missingDataset(root, name);
  } catch (reason) {
    context.signal?.throwIfAborted();
    const error = SweepError.from(reason);
    const problem =
      error.code === 'INTERNAL' ? { ...problemOf(error), code: 'DATASET_INVALID' as const } : problemOf(error);
    return { ...unknownDataset(root), problem };
  }
}

function unknownDataset(directory: string): Omit<DatasetFacts, 'problem'> {
  return {
    source: { directory, layout: 'release', files: [], metric: 'text', fields: {}, templates: {}, choices: [] },
    trainRows: 0,
    declaredTeachers: [],
    teachers: {},
  };
}
