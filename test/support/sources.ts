/** Models and datasets, as facts and as files on disk. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SourceFile, SourceFileRole } from '../../orchestrator/core/domain.js';
import type { DatasetFacts, ModelFacts, Problem, TeacherFacts } from '../../orchestrator/core/sweep/source-facts.js';

function fileOf(path: string, role: SourceFileRole, content = path): SourceFile {
  return {
    path,
    role,
    sizeBytes: content.length,
    sha256: Buffer.from(content).toString('hex').padEnd(64, '0').slice(0, 64),
  };
}

export function modelFactsOf(changes: Partial<ModelFacts> = {}, content = 'a'): ModelFacts {
  return {
    source: { directory: `/models/${content}`, files: [fileOf('config.json', 'config', content)] },
    weights: [fileOf('model.safetensors', 'weights', content)],
    dropout: 0.1,
    problem: null,
    weightsProblem: null,
    ...changes,
  };
}

export function teacherFactsOf(content: string): TeacherFacts {
  return { files: [fileOf('train_CoT_0.json', 'teacher', content)], rows: 100, rationales: null, labels: null };
}

export function datasetFactsOf(changes: Partial<DatasetFacts> = {}, content = 'a'): DatasetFacts {
  return {
    source: {
      directory: '/datasets',
      layout: 'release',
      files: [fileOf(`${content}_train.json`, 'train'), fileOf(`${content}_test.json`, 'test')],
      metric: 'text',
      fields: {},
      templates: {},
      choices: [],
    },
    trainRows: 100,
    problem: null,
    declaredTeachers: [],
    teachers: { palm: teacherFactsOf(`${content}-palm`), gpt: teacherFactsOf(`${content}-gpt`) },
    ...changes,
  };
}

export function folderFactsOf(content = 'a'): DatasetFacts {
  const facts = datasetFactsOf({ teachers: { own: { ...teacherFactsOf(content), files: [] } } }, content);
  return { ...facts, source: { ...facts.source, layout: 'folder' } };
}

export function problemOf(message: string): Problem {
  return { code: 'DATASET_INVALID', message, hint: '' };
}

/** Files by path below a folder; anything but text is written as JSON. */
export function writeFiles(folder: string, files: Readonly<Record<string, unknown>>): void {
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, typeof content === 'string' || content instanceof Buffer ? content : JSON.stringify(content));
  }
}

/** A JSON object a line. */
export function linesOf(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** A safetensors file with one tensor of these bytes. Of ASCII alone. */
export function safetensorsOf(content: string): string {
  const header = JSON.stringify({ a: { dtype: 'U8', shape: [content.length], data_offsets: [0, content.length] } });
  return `${String.fromCharCode(header.length)}${'\0'.repeat(7)}${header}${content}`;
}

export const MODEL_FILES = {
  'config.json': { model_type: 't5', dropout_rate: 0.25 },
  'spiece.model': 'pieces',
  'tokenizer_config.json': {},
  'model.safetensors': safetensorsOf('weights'),
} as const;

export function svampRows(count: number): readonly unknown[] {
  return Array.from({ length: count }, (_, i) => ({ input: `question ${i}`, label: `( ${i}.0 + 1.0 )` }));
}

/** SVAMP in the release's layout with a teacher in two files. */
export const SVAMP_FILES = {
  'svamp/svamp_train.json': linesOf(svampRows(20)),
  'svamp/svamp_test.json': linesOf(svampRows(4)),
  'svamp/llm/train_CoT_0.json': Array(12).fill('The answer is (1).'),
  'svamp/llm/train_CoT_1.json': Array(8).fill('The answer is (2).'),
} as const;

const OWN_ROWS = Array.from({ length: 20 }, (_, i) => ({
  input: `q ${i}`,
  label: 'yes',
  rationale: 'because',
  llm_label: 'no',
}));

/** A dataset of a user's own, called `own`. */
export const OWN_FILES = {
  'own/train.jsonl': linesOf(OWN_ROWS),
  'own/test.jsonl': linesOf(OWN_ROWS.slice(0, 3)),
} as const;
