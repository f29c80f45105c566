/** The plain way to do the same: transformers' Seq2SeqTrainer, one process a trial. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../../orchestrator/cli/python.js';
import { REPOSITORY } from '../../test/support/dss.js';
import { run } from './run.js';

const FOLDER = process.env['DSS_TEST_REFERENCE'] ?? join(REPOSITORY, '../shared/reference');
export const DATASETS = process.env['DSS_TEST_DATASETS'] ?? join(REPOSITORY, '../shared/datasets');

export interface Measured {
  readonly examplesPerSecond: number;
  /** Rows of all evaluations per second of evaluation. */
  readonly evaluationRowsPerSecond: number;
  /** The whole trial, start of the process to its end. */
  readonly seconds: number;
  readonly accuracy: number;
}

export interface Settings {
  readonly dataset: 'cqa' | 'svamp';
  readonly model_type: 'standard' | 'task_prefix';
  readonly label_type: 'gt' | 'llm';
  readonly seed: number;
  readonly max_steps: number;
  readonly eval_steps: number;
  readonly batch_size: number;
  readonly lr: number;
}

/** Whether what the benchmark compares with is there; says what is missing. */
export function hasReference(): boolean {
  const missing = [join(FOLDER, 'reference_trainer.py'), join(FOLDER, 'make_model.py'), join(DATASETS, 'cqa')].find(
    (path) => !existsSync(path),
  );
  if (missing !== undefined) {
    console.error(`NOT MEASURED: ${missing} is not there (DSS_TEST_REFERENCE and DSS_TEST_DATASETS name the folders)`);
  }
  return missing === undefined;
}

/** A T5 v1.1 of a real shape with random weights. */
export async function makeModel(size: string, directory: string): Promise<void> {
  if (existsSync(join(directory, 'model.safetensors'))) return;
  await run(findPython(), [join(FOLDER, 'make_model.py'), '--size', size, '--data', DATASETS, '--out', directory]);
}

export async function runReference(model: string, settings: Settings, folder: string): Promise<Measured> {
  const out = join(folder, 'reference.json');
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const trainer = join(FOLDER, 'reference_trainer.py');
  const { seconds } = await run(findPython(), [
    trainer,
    ...['--model', model, '--data', DATASETS, '--out', out],
    ...flags,
  ]);
  const result = JSON.parse(readFileSync(out, 'utf8')) as {
    readonly examples_per_second: number;
    readonly test_rows: number;
    readonly accuracy: readonly (readonly [number, number])[];
    readonly seconds: { readonly start: number; readonly train: number; readonly total: number };
  };
  // What is neither starting nor training is evaluation, and a little collating.
  const evaluationSeconds = result.seconds.total - result.seconds.start - result.seconds.train;
  return {
    examplesPerSecond: result.examples_per_second,
    evaluationRowsPerSecond: (result.test_rows * result.accuracy.length) / evaluationSeconds,
    seconds,
    accuracy: result.accuracy.at(-1)?.[1] ?? Number.NaN,
  };
}
