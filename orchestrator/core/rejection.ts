/** Why a cell cannot run; known before anything starts. */
import { readsTeacher } from './canonicalise.js';
import type { CellSettings } from './settings.js';
import type { DatasetFacts, ModelFacts, Problem, TeacherFacts } from './source-facts.js';

/** The part of the training rows that becomes valid where a dataset has none. */
const VALID_SHARE = 0.1;

/** All reasons at once: nobody wants to learn of a missing dataset after having fetched a model. */
export function findProblems(cell: CellSettings, model: ModelFacts, dataset: DatasetFacts): readonly Problem[] {
  const ofModel = model.problem ?? (cell.init === 'pretrained' ? model.weightsProblem : null);
  const ofDataset =
    dataset.problem ?? (readsTeacher(cell) ? teacherProblem(cell, dataset) : null) ?? emptyProblem(cell, dataset);
  return [ofModel, ofDataset].filter((problem) => problem !== null);
}

/** The one whose outputs the cell would read; `undefined` when it names none. */
export function teacherFor(
  cell: Pick<CellSettings, 'llm'>,
  { source, teachers }: DatasetFacts,
): TeacherFacts | undefined {
  if (source.layout === 'folder') return teachers.own;
  return cell.llm === 'none' ? undefined : teachers[cell.llm];
}

function teacherProblem(cell: CellSettings, dataset: DatasetFacts): Problem | null {
  const teacher = teacherFor(cell, dataset);
  if (teacher === undefined) {
    const reader = cell.model_type === 'task_prefix' ? 'model_type task_prefix' : 'label_type llm';
    return {
      code: 'DATASET_MISSING',
      message: `llm is none, and ${reader} reads a teacher's outputs`,
      hint: 'choose llm palm or gpt, or exclude the cell',
    };
  }
  return (
    (cell.model_type === 'task_prefix' ? teacher.rationales : null) ??
    (cell.label_type === 'llm' ? teacher.labels : null)
  );
}

/** Counts as loading does: cut to the teacher, then subsample, then split off valid. */
function emptyProblem(cell: CellSettings, dataset: DatasetFacts): Problem | null {
  const teacher = readsTeacher(cell) ? teacherFor(cell, dataset) : undefined;
  const read = Math.min(dataset.trainRows, teacher?.rows ?? Number.POSITIVE_INFINITY);
  const sampled = read - Math.ceil((1 - cell.subsample) * read);
  const hasValid = dataset.source.files.some(({ role }) => role === 'valid');
  const splitOff = hasValid ? 0 : Math.ceil(VALID_SHARE * sampled);
  if (sampled - splitOff > 0) return null;
  return {
    code: 'DATASET_INVALID',
    message: `no row of "${cell.dataset}" is left to train on: ${read} read, ${sampled} after subsample ${cell.subsample}, ${splitOff} of them split off as valid`,
    hint: 'raise subsample, or give the dataset more rows',
  };
}
