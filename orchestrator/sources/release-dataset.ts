/** A dataset in the release's layout. */
import type { Teacher } from '../core/domain.js';
import type { DatasetFacts, TeacherFacts } from '../core/sweep/source-facts.js';
import { missingFiles } from './missing-dataset.js';
import { hasEquations, hasSplit, partsOf, SPLITS, splitPath } from './release-layout.js';
import { readTeacher } from './release-teacher.js';
import { RELEASE_ROWS } from './row-formats.js';
import type { SourceContext } from './source-context.js';
import { checkSplits, isThere } from './split-files.js';

/** Whether there is a split of this name in the release's layout. */
export function isRelease(root: string, name: string): boolean {
  return RELEASE_ROWS.has(name) && SPLITS.some((split) => isThere(root, splitPath(name, split)));
}

/** @throws SweepError DATASET_MISSING, or DATASET_INVALID with the first wrong row */
export async function readRelease(
  root: string,
  name: string,
  teachers: ReadonlySet<Teacher>,
  context: SourceContext,
): Promise<DatasetFacts> {
  const [first = name, ...others] = partsOf(name);
  const splits = SPLITS.flatMap((split) =>
    (split === 'train' ? [first, ...others] : [first]).map((part) => ({
      split,
      part,
      path: splitPath(part, split),
      rule: ['release', part],
      checks: { row: RELEASE_ROWS.get(part) ?? (() => null) },
    })),
  );
  const missing = splits.filter(({ part, split, path }) => hasSplit(part, split) && !isThere(root, path));
  if (missing.length > 0) {
    throw missingFiles(
      root,
      name,
      missing.map(({ path }) => path),
    );
  }
  const found = await checkSplits(
    root,
    splits.filter(({ path }) => isThere(root, path)),
    context,
  );
  const train = found.filter(({ split }) => split === 'train');
  const outputs: Record<Teacher, TeacherFacts> = {};
  for (const teacher of teachers) {
    const byPart: TeacherFacts[] = [];
    for (const { part, checked } of train) {
      byPart.push(await readTeacher(root, part, teacher, checked.rows, context));
    }
    outputs[teacher] = {
      files: byPart.flatMap(({ files }) => files),
      rows: byPart.reduce((sum, { rows }) => sum + rows, 0),
      rationales: byPart.find(({ rationales }) => rationales !== null)?.rationales ?? null,
      labels: byPart.find(({ labels }) => labels !== null)?.labels ?? null,
    };
  }
  return {
    source: {
      directory: root,
      layout: 'release',
      files: found.map(({ file }) => file),
      metric: hasEquations(name) ? 'equation' : 'text',
      fields: {},
      templates: {},
      choices: [],
    },
    trainRows: train.reduce((sum, { checked }) => sum + checked.rows, 0),
    problem: null,
    declaredTeachers: [],
    teachers: outputs,
  };
}
