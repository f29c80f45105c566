/** The outputs of a teacher in the release's layout; training reads those of the training split alone. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceFile, Teacher } from '../core/domain.js';
import { SweepError } from '../core/errors.js';
import type { TeacherFacts } from '../core/sweep/source-facts.js';
import { problemOf, type SourceContext } from './source-context.js';
import { wrongRows } from './wrong-rows.js';

/** What is wrong is data: trials that read no teacher may run. */
export async function readTeacher(
  root: string,
  name: string,
  teacher: Teacher,
  trainRows: number,
  context: SourceContext,
): Promise<TeacherFacts> {
  try {
    return await readOutputs(root, name, teacher, trainRows, context);
  } catch (reason) {
    context.signal?.throwIfAborted();
    if (!(reason instanceof SweepError)) throw reason;
    const problem = problemOf(reason);
    return { files: [], rows: 0, rationales: problem, labels: problem };
  }
}

async function readOutputs(
  root: string,
  name: string,
  teacher: Teacher,
  trainRows: number,
  { hashes, checks, signal }: SourceContext,
): Promise<TeacherFacts> {
  const paths = teacher === 'palm' ? await palmPaths(root, name) : [`gpt-neox/${name}/train.json`];
  const files: SourceFile[] = [];
  let rows = 0;
  for (const path of paths) {
    if (!existsSync(join(root, path))) throw missingOutputs(root, name, teacher, path);
    const file = await hashes.sourceFile(root, path, 'teacher', signal);
    const checked = await checks.texts(root, file);
    if (checked.wrong['text'] !== undefined) throw wrongRows(path, checked.wrong['text']);
    files.push(file);
    rows += checked.rows;
  }
  // A training split may be longer than its outputs: it is cut to them. Outputs without rows are a mix-up.
  if (rows > trainRows || rows === 0) {
    throw new SweepError(
      'DATASET_INVALID',
      `${paths[0]}: expected at most ${trainRows.toLocaleString('en')} outputs, one for each training row, got ${rows.toLocaleString('en')}`,
      { hint: `the outputs of ${teacher} and ${name}_train.json must come from the same release` },
    );
  }
  return { files, rows, rationales: null, labels: null };
}

/** In the order of their numbers. A gap would move every later output to another row. */
async function palmPaths(root: string, name: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, name, 'llm')).catch(() => []);
  const numbers = entries.flatMap((entry) => {
    const number = /^train_CoT_(0|[1-9]\d{0,5})\.json$/.exec(entry)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  const last = Math.max(0, ...numbers);
  return Array.from({ length: last + 1 }, (_, number) => `${name}/llm/train_CoT_${number}.json`);
}

function missingOutputs(root: string, name: string, teacher: Teacher, path: string): SweepError {
  return new SweepError(
    'DATASET_MISSING',
    `dataset "${name}" lacks outputs of ${teacher}: there is no ${path} in ${root}`,
    {
      hint: 'put them there, choose another llm, or exclude task_prefix and llm labels for this dataset',
    },
  );
}
