/** Why a cell cannot run; known before anything starts. */

import { closest } from '../closest.js';
import { hasNamelessTeacher } from './canonicalise.js';
import { layoutOf, layoutProblem } from './layout.js';
import { readsRationales, readsTeacher } from './reads-teacher.js';
import { type CellSettings, RELEASE_TEACHERS, type SettingName } from './settings.js';
import type { DatasetFacts, ModelFacts, Problem, TeacherFacts } from './source-facts.js';

/** The part of the training rows that becomes valid where a dataset has none. */
const VALID_SHARE = 0.1;

/** With the setting whose value cannot be. */
export interface CellProblem extends Problem {
  readonly setting: SettingName;
}

/** All reasons at once: nobody wants to learn of a missing dataset after having fetched a model. */
export function findProblems(cell: CellSettings, model: ModelFacts, dataset: DatasetFacts): readonly CellProblem[] {
  const ofModel = model.problem ?? (cell.init === 'pretrained' ? model.weightsProblem : null);
  const ofTeacher = dataset.problem === null && readsTeacher(cell) ? teacherProblem(cell, dataset) : null;
  const ofRows = dataset.problem === null && ofTeacher === null ? emptyProblem(cell, dataset) : null;
  const found: readonly (readonly [SettingName, Problem | null])[] = [
    ['model', ofModel],
    ['dataset', dataset.problem],
    ['llm', ofTeacher],
    ['subsample', ofRows],
    ...oneOf(['layout', ofLayout(cell)], ['min_machines', ofFewerMachines(cell)]),
  ];
  return found.flatMap(([setting, problem]) => (problem === null ? [] : [{ setting, ...problem }]));
}

/** The first that there is: the other would say the same again. */
function oneOf(...found: readonly (readonly [SettingName, Problem | null])[]) {
  return found.filter(([, problem]) => problem !== null).slice(0, 1);
}

function ofLayout(cell: CellSettings): Problem | null {
  const layout = layoutOf(cell.layout);
  if (layout !== null && layout.tensor > 1 && cell.adapter !== 'none') {
    const message = `adapter: ${cell.adapter} with layout: tensor ${layout.tensor}`;
    return { code: 'SPEC_INVALID', message, hint: 'set tensor to 1; shard may be any number' };
  }
  const problem = layout === null ? null : layoutProblem(layout, cell);
  return problem === null ? null : { code: 'SPEC_INVALID', ...problem };
}

/** It may go on with any number of machines between the two, and has to be laid out on each. */
function ofFewerMachines({ devices, machines, min_machines, layout: text }: CellSettings): Problem | null {
  const least = min_machines ?? machines;
  if (least > machines) {
    const message = `min_machines: ${least} is more than machines: ${machines}`;
    const hint = 'set it to at most as many; without it, a trial that has lost a machine waits for another';
    return { code: 'SPEC_INVALID', message, hint };
  }
  const layout = layoutOf(text);
  if (layout === null) return null;
  for (let left = machines - 1; left >= least; left -= 1) {
    const problem = layoutProblem(layout, { devices, machines: left });
    if (problem === null) continue;
    const message = `min_machines: ${least}: with ${left} of ${machines} machines, ${problem.message}`;
    const hint = 'set layout: auto, which is chosen anew for what is left, or raise min_machines';
    return { code: 'SPEC_INVALID', message, hint };
  }
  return null;
}

/** The one whose outputs the cell would read; `undefined` when it names none. */
export function teacherFor(cell: Pick<CellSettings, 'llm'>, dataset: DatasetFacts): TeacherFacts | undefined {
  if (hasNamelessTeacher(dataset)) return dataset.teachers.own;
  return namesOf(dataset).includes(cell.llm) ? dataset.teachers[cell.llm] : undefined;
}

/** What `llm` may be, besides none. */
function namesOf({ source, declaredTeachers }: DatasetFacts): readonly string[] {
  return source.layout === 'folder' ? declaredTeachers : RELEASE_TEACHERS;
}

function teacherProblem(cell: CellSettings, dataset: DatasetFacts): Problem | null {
  const teacher = teacherFor(cell, dataset);
  if (teacher === undefined) return missingTeacher(cell, namesOf(dataset));
  return (
    (readsRationales(cell.model_type) ? teacher.rationales : null) ??
    (cell.label_type === 'llm' ? teacher.labels : null)
  );
}

function missingTeacher({ llm, model_type, label_type, dataset }: CellSettings, names: readonly string[]): Problem {
  const reader = readsRationales(model_type) ? `model_type ${model_type}` : `label_type ${label_type}`;
  const message =
    llm === 'none'
      ? `llm is none, and ${reader} reads a teacher's outputs`
      : `llm is ${llm}, and dataset "${dataset}" has no teacher of that name`;
  const meant = closest(llm, names);
  const choice = `choose llm ${names.join(' or ')}, or exclude the cell`;
  return { code: 'DATASET_MISSING', message, hint: meant === null ? choice : `did you mean ${meant}? ${choice}` };
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
