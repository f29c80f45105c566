/** Finds a dataset below the datasets root in either layout, and what keeps it from being trained on. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { closest } from '../core/closest.js';
import type { DatasetSource, SourceFile, Teacher } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { DatasetFacts, TeacherFacts } from '../core/source-facts.js';
import type { CheckedRows } from './check-rows.js';
import { PLAIN_DESCRIPTION, readDescription } from './dataset-description.js';
import { readTeacher } from './release-teacher.js';
import { folderRow, RELEASE_ROWS, type RowCheck, textIn } from './row-formats.js';
import { problemOf, type SourceContext } from './source-context.js';
import { wrongRows } from './wrong-rows.js';

const SPLITS = ['train', 'valid', 'test'] as const;
type Split = (typeof SPLITS)[number];

/** Of the release's; the others have their valid rows split off the training rows. */
const WITH_VALID_FILE: readonly string[] = ['esnli', 'anli1'];

/**
 * @param teachers whose outputs some trial reads; others are not looked for
 */
export async function readDataset(
  root: string,
  name: string,
  teachers: ReadonlySet<Teacher>,
  context: SourceContext,
): Promise<DatasetFacts> {
  try {
    const releaseRow = RELEASE_ROWS.get(name);
    const isRelease = releaseRow !== undefined && presentSplits(root, (split) => releasePath(name, split)).length > 0;
    return isRelease
      ? await readRelease(root, name, releaseRow, teachers, context)
      : await readFolder(root, name, context);
  } catch (reason) {
    context.signal?.throwIfAborted();
    const error = SweepError.from(reason);
    const problem =
      error.code === 'INTERNAL' ? { ...problemOf(error), code: 'DATASET_INVALID' as const } : problemOf(error);
    return { source: sourceOf(root, 'release', [], {}), trainRows: 0, problem, teachers: {} };
  }
}

async function readRelease(
  root: string,
  name: string,
  row: RowCheck,
  teachers: ReadonlySet<Teacher>,
  context: SourceContext,
): Promise<DatasetFacts> {
  const needed = SPLITS.filter((split) => split !== 'valid' || WITH_VALID_FILE.includes(name));
  const { files, checked } = await readSplits(root, name, (split) => releasePath(name, split), needed, {
    context,
    rule: ['release', name],
    checksOf: () => ({ row }),
  });
  const trainRows = checked.train?.rows ?? 0;
  const found: Partial<Record<Teacher, TeacherFacts>> = {};
  for (const teacher of teachers) found[teacher] = await readTeacher(root, name, teacher, trainRows, context);
  const metric = name === 'svamp' ? 'equation' : 'text';
  return { source: sourceOf(root, 'release', files, { metric }), trainRows, problem: null, teachers: found };
}

async function readFolder(root: string, name: string, context: SourceContext): Promise<DatasetFacts> {
  const pathOf = (split: Split) => `${name}/${split}.jsonl`;
  if (presentSplits(root, pathOf).length === 0) throw await missingDataset(root, name);
  const settings = `${name}/dataset.yaml`;
  const { metric, fields, templates } = existsSync(join(root, settings))
    ? await readDescription(root, settings)
    : PLAIN_DESCRIPTION;
  const row = folderRow(fields, templates['input']);
  const { files, checked } = await readSplits(root, name, pathOf, ['train', 'test'], {
    context,
    rule: ['folder', fields, templates['input'] ?? null],
    checksOf: (split) =>
      split === 'train'
        ? {
            row,
            rationale: (each) => textIn(each, fields.rationale),
            llm_label: (each) => textIn(each, fields.llm_label),
          }
        : { row },
  });
  const trainRows = checked.train?.rows ?? 0;
  const problemWith = (field: 'rationale' | 'llm_label', what: string) => {
    const wrong = checked.train?.wrong[field];
    if (wrong === undefined) return null;
    return wrong.count === trainRows && wrong.message.startsWith('expected a field')
      ? problemOf(
          new SweepError(
            'DATASET_MISSING',
            `dataset "${name}" has no ${what}: ${pathOf('train')} has no field "${fields[field]}"`,
            {
              hint: 'add it to the rows, name the right field in dataset.yaml, or exclude the cells that read it',
            },
          ),
        )
      : problemOf(wrongRows(pathOf('train'), wrong));
  };
  const own: TeacherFacts = {
    files: [],
    rows: trainRows,
    rationales: problemWith('rationale', 'rationales'),
    labels: problemWith('llm_label', "teacher's labels"),
  };
  const source = sourceOf(root, 'folder', files, { metric, fields: { ...fields }, templates });
  return { source, trainRows, problem: null, teachers: { own } };
}

interface Reading {
  readonly context: SourceContext;
  /** What the checks depend on besides the content. */
  readonly rule: unknown;
  readonly checksOf: (split: Split) => Readonly<Record<string, RowCheck>>;
}

/** @throws SweepError DATASET_MISSING, or DATASET_INVALID with the first wrong row */
async function readSplits(
  root: string,
  name: string,
  pathOf: (split: Split) => string,
  needed: readonly Split[],
  { context, rule, checksOf }: Reading,
): Promise<{ files: readonly SourceFile[]; checked: Partial<Record<Split, CheckedRows>> }> {
  const present = presentSplits(root, pathOf);
  const missing = needed.filter((split) => !present.includes(split)).map(pathOf);
  if (missing.length > 0) throw missingFiles(root, name, missing);
  const files: SourceFile[] = [];
  const checked: Partial<Record<Split, CheckedRows>> = {};
  for (const split of present) {
    const file = await context.hashes.sourceFile(root, pathOf(split), split, context.signal);
    const rows = await context.checks.lines(root, file, [rule, split === 'train'], checksOf(split), context.signal);
    if (rows.wrong['row'] !== undefined) throw wrongRows(file.path, rows.wrong['row']);
    if (rows.rows === 0) throw new SweepError('DATASET_INVALID', `${file.path}: expected at least one row, got none`);
    files.push(file);
    checked[split] = rows;
  }
  return { files, checked };
}

function releasePath(name: string, split: Split): string {
  return `${name}/${name}_${split}.json`;
}

function presentSplits(root: string, pathOf: (split: Split) => string): readonly Split[] {
  return SPLITS.filter((split) => existsSync(join(root, pathOf(split))));
}

function sourceOf(
  directory: string,
  layout: DatasetSource['layout'],
  files: readonly SourceFile[],
  { metric = 'text', fields = {}, templates = {} }: Partial<DatasetSource>,
): DatasetSource {
  return { directory, layout, files, metric, fields, templates };
}

const WHERE = '--datasets or DSS_DATASETS names another datasets folder';

function missingFiles(root: string, name: string, paths: readonly string[]): SweepError {
  const hint = RELEASE_ROWS.has(name) ? `\`dss data import datasets.zip\` unpacks the release's; ${WHERE}` : WHERE;
  return new SweepError(
    'DATASET_MISSING',
    `dataset "${name}" is not complete: there is no ${paths.join(', no ')} in ${root}`,
    { hint },
  );
}

async function missingDataset(root: string, name: string): Promise<SweepError> {
  const names = await readdir(root).catch(() => null);
  if (names === null) return new SweepError('DATASET_MISSING', `there is no datasets folder ${root}`, { hint: WHERE });
  if (names.includes(name)) {
    const looked = [...(RELEASE_ROWS.has(name) ? [`${name}_train.json`] : []), 'train.jsonl'];
    return new SweepError(
      'DATASET_MISSING',
      `dataset "${name}" has no ${looked.join(' and no ')} in ${join(root, name)}`,
      {
        hint: `the release's layout is read for ${[...RELEASE_ROWS.keys()].join(', ')}; any other dataset is a folder with train.jsonl and test.jsonl`,
      },
    );
  }
  const meant = closest(name, names);
  const release = RELEASE_ROWS.has(name) ? "`dss data import datasets.zip` unpacks the release's; " : '';
  return new SweepError('DATASET_MISSING', `there is no dataset "${name}" in ${root}`, {
    hint: `${meant === null ? '' : `did you mean ${meant}? `}${release}${WHERE}`,
  });
}
