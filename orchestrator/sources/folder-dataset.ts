/** A dataset of a user's own: train.jsonl, test.jsonl, perhaps valid.jsonl and dataset.yaml. */
import { SweepError } from '../core/errors.js';
import type { DatasetFacts, Problem, TeacherFacts } from '../core/sweep/source-facts.js';
import type { CheckedRows } from './check-rows.js';
import { PLAIN_DESCRIPTION, readDescription, type TeacherFields } from './dataset-description.js';
import { missingFiles } from './missing-dataset.js';
import { SPLITS, type Split } from './release-layout.js';
import { folderRow, type RowCheck, textIn } from './row-formats.js';
import { problemOf, type SourceContext } from './source-context.js';
import { checkSplits, isThere } from './split-files.js';
import { wrongRows } from './wrong-rows.js';

export function isFolder(root: string, name: string): boolean {
  return SPLITS.some((split) => isThere(root, splitPath(name, split)));
}

function splitPath(name: string, split: Split): string {
  return `${name}/${split}.jsonl`;
}

/** @throws SweepError DATASET_MISSING, or DATASET_INVALID with the place of what is wrong */
export async function readFolder(root: string, name: string, context: SourceContext): Promise<DatasetFacts> {
  const pathOf = (split: Split) => splitPath(name, split);
  const missing = (['train', 'test'] as const).map(pathOf).filter((path) => !isThere(root, path));
  if (missing.length > 0) throw missingFiles(root, name, missing);
  const settings = `${name}/dataset.yaml`;
  const { metric, fields, templates, choices, teachers } = isThere(root, settings)
    ? await readDescription(root, settings)
    : PLAIN_DESCRIPTION;
  const ofTeachers = [...new Set([...teachers.values()].flatMap((own) => Object.values(own)))].sort();
  const row = folderRow(fields, templates['input']);
  const testRow = folderRow(fields, templates['input'], choices);
  const found = await checkSplits(
    root,
    SPLITS.filter((split) => isThere(root, pathOf(split))).map((split) => ({
      split,
      path: pathOf(split),
      rule: ['folder', split, fields, templates['input'] ?? null, choices, ofTeachers],
      checks: {
        row: split === 'test' ? testRow : row,
        // Of the teachers, only what is in training rows is read.
        ...(split === 'train' ? Object.fromEntries(ofTeachers.map((field) => [checkOf(field), hasText(field)])) : {}),
      },
    })),
    context,
  );
  const train = found.find(({ split }) => split === 'train')?.checked ?? { rows: 0, wrong: {} };
  const named = [...teachers].filter(([teacher]) => teacher !== null);
  return {
    source: {
      directory: root,
      layout: 'folder',
      files: found.map(({ file }) => file),
      metric,
      fields: { ...fields, ...teachers.get(null) },
      templates,
      choices,
    },
    trainRows: train.rows,
    problem: null,
    declaredTeachers: named.map(([teacher]) => teacher ?? ''),
    teachers: Object.fromEntries(
      [...teachers].map(([teacher, own]) => [teacher ?? 'own', teacherFacts(own, { dataset: name, teacher, train })]),
    ),
  };
}

/** Of a field's check; never that of the row's own. */
function checkOf(field: string): string {
  return `field ${field}`;
}

function hasText(field: string): RowCheck {
  return (row) => textIn(row, field);
}

interface Taught {
  readonly dataset: string;
  readonly teacher: string | null;
  readonly train: CheckedRows;
}

function teacherFacts(fields: TeacherFields, taught: Taught): TeacherFacts {
  return {
    files: [],
    ...(taught.teacher === null ? {} : { fields: { ...fields } }),
    rows: taught.train.rows,
    rationales: problemWith(fields.rationale, 'rationales', taught),
    labels: problemWith(fields.llm_label, "teacher's labels", taught),
  };
}

function problemWith(field: string | undefined, what: string, { dataset, teacher, train }: Taught): Problem | null {
  const lacks = `dataset "${dataset}" has no ${what}${teacher === null ? '' : ` of ${teacher}`}`;
  const path = splitPath(dataset, 'train');
  if (field === undefined) {
    const hint = `name their field in dataset.yaml, or exclude the cells that read them`;
    return problemOf(new SweepError('DATASET_MISSING', `${lacks}: dataset.yaml names no field for them`, { hint }));
  }
  const wrong = train.wrong[checkOf(field)];
  if (wrong === undefined) return null;
  if (wrong.count < train.rows || !wrong.message.startsWith('expected a field'))
    return problemOf(wrongRows(path, wrong));
  const hint = 'add it to the rows, name the right field in dataset.yaml, or exclude the cells that read it';
  return problemOf(new SweepError('DATASET_MISSING', `${lacks}: ${path} has no field "${field}"`, { hint }));
}
