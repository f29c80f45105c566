/**
 * How much faster dss trains and evaluates than the plain way, on this machine, in this run.
 *
 *   npm run bench:training [-- --quick] [--part steps|sweep|between] [--json FILE]
 *
 * Random-weight T5 v1.1 small on cqa and svamp, fp32, dropout on, the same steps for both. The reference runs one
 * process a trial with all cores; so does dss in the first part, and in the second it runs its sweep as it likes.
 * The third has nothing to compare with: what a warm worker spends between two trials of a tiny model.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderTable } from '../orchestrator/cli/table.js';
import { runSweep, type SweepRun } from './support/dss-sweep.js';
import { describeMachine } from './support/machine.js';
import { hasReference, type Measured, makeModel, runReference, type Settings } from './support/reference.js';
import { percentile } from './support/statistics.js';
import { boundsOf, describeBounds } from './support/sweep-bounds.js';

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, part: { type: 'string' }, json: { type: 'string' } },
});

interface Row {
  readonly what: string;
  readonly unit: string;
  readonly reference: number;
  readonly dss: number;
  /** Above 1: dss is faster. */
  readonly ratio: number;
}

const folder = mkdtempSync(join(tmpdir(), 'dss-bench-'));
const model = join(folder, 't5-small');
const steps = values.quick ? 2 : 5;
const rows: Row[] = [];
const remarks: string[] = [];

if (hasReference()) {
  await makeModel('small', model);
  const does = (part: string) => values.part === undefined || values.part === part;
  if (does('steps')) {
    await compareRandom();
    await compareTrained();
  }
  if (does('sweep')) await compareSweeps();
  if (rows.length > 0) print();
  if (does('between')) await measureBetween();
}

/** From the end of one trial to the first step of the next, weights and tokens at hand. */
async function measureBetween(): Promise<void> {
  const tiny = join(folder, 't5-tiny');
  await makeModel('tiny', tiny);
  const grid = {
    datasets: ['svamp'],
    label_type: ['gt'],
    model_type: ['task_prefix'],
    seeds: Array.from({ length: 24 }, (_, seed) => seed),
  };
  const train = trainOf(cell({ batch_size: 4, max_steps: 2, eval_steps: 2 }));
  const { trials } = await runSweep({ name: 'between', models: [tiny], grid, train, run: { workers: 1 } }, folder);
  const gaps = trials
    .map(({ result: { secondsByPhase } }) => 1000 * sumOf(secondsByPhase, ['idle', 'load', 'tokenize']))
    .sort((a, b) => a - b)
    // The first of all loads and tokenises.
    .slice(0, -1);
  const [p50, p95] = [percentile(gaps, 0.5), percentile(gaps, 0.95)];
  console.log(
    `\nBetween two trials of a warm worker, ${gaps.length} times: p50 ${p50.toFixed(1)} ms (aim: below 50), ` +
      `p95 ${p95.toFixed(1)} ms. ${describeMachine()}`,
  );
}

function sumOf(seconds: Readonly<Record<string, number>>, phases: readonly string[]): number {
  return phases.reduce((sum, phase) => sum + (seconds[phase] ?? 0), 0);
}

/** A few steps of the paper's batch from random weights, which generate 64 junk tokens a row and so flatter us. */
async function compareRandom(): Promise<void> {
  for (const dataset of ['cqa', 'svamp'] as const) {
    for (const method of ['task_prefix', 'standard'] as const) {
      const settings = cell({ dataset, model_type: method, batch_size: 64, max_steps: steps, eval_steps: steps });
      const [ours, theirs] = await both(`${dataset}-${method.replace('_', '-')}`, model, settings);
      add(`training, ${dataset}, ${method}`, 'examples/s', theirs.examplesPerSecond, ours.examplesPerSecond);
      if (method === 'task_prefix') addEvaluation(`evaluation, ${dataset}, random model`, ours, theirs);
    }
  }
}

/** Evaluation of a model that answers in the form of the labels, as models do after the first hundred steps. */
async function compareTrained(): Promise<void> {
  for (const dataset of ['cqa', 'svamp'] as const) {
    const name = `trained-${dataset}`;
    const settings = cell({ dataset, model_type: 'standard', batch_size: 16, lr: 1e-3 });
    const trained = await sweepOf(
      name,
      model,
      { ...settings, max_steps: values.quick ? 20 : 120, eval_steps: 1_000 },
      {
        keep: 'last',
      },
    );
    const kept = join(folder, `${name}-state`, 'trials', trained.trials[0]?.trialId ?? '', 'model');
    // A step that hardly moves it.
    const one = { ...settings, lr: 1e-7, max_steps: 1, eval_steps: 1 };
    const [ours, theirs] = await both(`evaluate-${dataset}`, kept, one);
    addEvaluation(`evaluation, ${dataset}, trained model`, ours, theirs);
  }
}

/** Eight trials: the reference one after the other, as a shell loop runs them. */
async function compareSweeps(): Promise<void> {
  const grid = {
    datasets: ['cqa'],
    label_type: ['gt', 'llm'],
    model_type: ['standard', 'task_prefix'],
    seeds: [0, 1],
  } as const;
  const settings = cell({ batch_size: 16, max_steps: 2 * steps, eval_steps: steps });
  const ours = await runSweep({ name: 'eight', models: [model], grid, train: trainOf(settings) }, folder);
  let theirs = 0;
  for (const label_type of grid.label_type) {
    for (const model_type of grid.model_type) {
      for (const seed of grid.seeds) {
        theirs += (await runReference(model, { ...settings, label_type, model_type, seed }, folder)).seconds;
      }
    }
  }
  rows.push({
    what: 'sweep of 8 trials, cqa',
    unit: 's',
    reference: theirs,
    dss: ours.seconds,
    ratio: theirs / ours.seconds,
  });
  remarks.push(describeBounds(boundsOf(ours, 'google/t5-v1_1-small'), theirs, cpus().length));
}

function cell(changes: Partial<Settings>): Settings {
  return {
    dataset: 'cqa',
    model_type: 'standard',
    label_type: 'gt',
    seed: 0,
    max_steps: steps,
    eval_steps: steps,
    batch_size: 64,
    lr: 5e-5,
    ...changes,
  };
}

function trainOf({ max_steps, eval_steps, batch_size, lr }: Settings): Record<string, number> {
  return { max_steps, eval_steps, batch_size, lr };
}

function sweepOf(
  name: string,
  of: string,
  settings: Settings,
  options: Record<string, string> = {},
): Promise<SweepRun> {
  const { dataset, model_type, label_type, seed } = settings;
  const grid = { datasets: [dataset], model_type: [model_type], label_type: [label_type], seeds: [seed] };
  return runSweep({ name, models: [of], grid, train: { ...trainOf(settings), ...options } }, folder);
}

/** One trial by each, dss first. */
async function both(name: string, of: string, settings: Settings): Promise<readonly [Measured, Measured]> {
  const { trials } = await sweepOf(name, of, settings);
  const [ours] = trials;
  if (ours === undefined) throw new Error(`sweep ${name} has no trial`);
  const theirs = await runReference(of, settings, folder);
  console.error(
    `${name}: ${theirs.examplesPerSecond.toFixed(2)} → ${ours.examplesPerSecond.toFixed(2)} examples/s, ` +
      `evaluation ${theirs.evaluationRowsPerSecond.toFixed(2)} → ${ours.evaluationRowsPerSecond.toFixed(2)} rows/s`,
  );
  return [ours, theirs];
}

function addEvaluation(what: string, ours: Measured, theirs: Measured): void {
  add(what, 'rows/s', theirs.evaluationRowsPerSecond, ours.evaluationRowsPerSecond);
}

function add(what: string, unit: string, reference: number, dss: number): void {
  rows.push({ what, unit, reference, dss, ratio: dss / reference });
}

function print(): void {
  const machine = describeMachine();
  console.log(`T5 v1.1 small, random weights, fp32, dropout 0.1, ${steps} steps. ${machine}\n`);
  console.log(
    renderTable({
      columns: [
        { title: 'what', align: 'left' },
        { title: 'unit', align: 'left' },
        { title: 'reference', align: 'right' },
        { title: 'dss', align: 'right' },
        { title: 'times faster', align: 'right' },
      ],
      rows: rows.map(({ what, unit, reference, dss, ratio }) => [
        what,
        unit,
        reference.toFixed(2),
        dss.toFixed(2),
        ratio.toFixed(2),
      ]),
    }),
  );
  for (const remark of remarks) console.log(`\n${remark}`);
  console.log(`\nFiles: ${folder}`);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ machine, steps, rows, remarks }, null, 2));
}
