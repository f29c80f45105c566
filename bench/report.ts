/**
 * What the report of a large sweep takes: 504 cells (two methods, four shares, 63 of model, dataset and learning rate)
 * of 20 seeds, 1,200 test rows each, from a real journal. Folding and writing run in a process of their own.
 *
 *   npm run bench:report [-- --quick] [--json FILE]
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Evaluation, Trial, TrialSettings } from '../orchestrator/core/domain.js';
import { type RandomSource, seededRandom } from '../orchestrator/core/statistics/random.js';
import { DEFAULT_SWEEP_OPTIONS } from '../orchestrator/core/sweep/sweep-options.js';
import type { Journal } from '../orchestrator/journal/journal.js';
import { openJournal } from '../orchestrator/journal/sqlite/sqlite-journal.js';
import { benchTrials, MAX_STEPS, RESULT } from './support/bench-trials.js';
import { report } from './support/rows.js';
import { run } from './support/run.js';

const SWEEP = 'large';
const TEST_ROWS = 1_200;
const VALID_ROWS = 400;
const MODELS = ['google/t5-v1_1-small', 'google/t5-v1_1-base', 'google/t5-v1_1-large'];
const DATASETS = ['cqa', 'svamp', 'esnli', 'anli1', 'anli2', 'anli3', 'asdiv'];
const RATES = [5e-5, 1e-4, 2e-4];
const SHARES = [0.125, 0.25, 0.5, 1];
const METHODS = ['standard', 'task_prefix'] as const;

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } } });
const seeds = values.quick ? 2 : 20;

/** The cells in the order of a grid, each with its seeds. */
function* settingsOfAll(plain: TrialSettings): Generator<TrialSettings> {
  for (const model of MODELS)
    for (const dataset of DATASETS)
      for (const lr of RATES)
        for (const subsample of SHARES)
          for (const model_type of METHODS)
            for (let seed = 0; seed < seeds; seed += 1) {
              const own = model_type === 'standard' ? { alpha: null, llm: null } : {};
              yield { ...plain, model, dataset, lr, subsample, model_type, seed, ...own };
            }
}

function trialsOfAll(): readonly Trial[] {
  const count = MODELS.length * DATASETS.length * RATES.length * SHARES.length * METHODS.length * seeds;
  const plain = benchTrials(SWEEP, 0, count);
  const settings = settingsOfAll((plain[0] as Trial).settings);
  return plain.map((trial) => ({ ...trial, settings: settings.next().value as TrialSettings }));
}

/** Of so many rows, each right with a chance. */
function evaluationOf(
  step: number,
  split: Evaluation['split'],
  rows: number,
  chance: number,
  random: RandomSource,
): Evaluation {
  const correct = new Uint8Array(Math.ceil(rows / 8));
  let right = 0;
  for (let row = 0; row < rows; row += 1) {
    if (random.below(1_000) >= 1_000 * chance) continue;
    correct[row >> 3] = (correct[row >> 3] ?? 0) | (1 << (row & 7));
    right += 1;
  }
  return { step, split, loss: 1 - chance, accuracy: right / rows, rows, correct, choiceAccuracy: null };
}

/** Ten training points, ten validations and a test, as a real worker reports them. */
function finish(journal: Journal, { trialId, settings }: Trial, random: RandomSource): void {
  const { lease } = journal.begin(trialId, 'w0', 1_000);
  const chance = 0.4 + 0.2 * Math.sqrt(settings.subsample) + (settings.model_type === 'standard' ? 0 : 0.03);
  const steps = Array.from({ length: 10 }, (_, place) => ((place + 1) * MAX_STEPS) / 10);
  const test = evaluationOf(MAX_STEPS, 'test', TEST_ROWS, chance, random);
  const evaluations = [
    ...steps.map((step) => evaluationOf(step, 'valid', VALID_ROWS, (chance * step) / MAX_STEPS, random)),
    test,
  ];
  journal.measure(lease, { training: steps.map((step) => ({ step, loss: 3 - step / 50 })), evaluations }, 2_000);
  journal.finish(lease, { ...RESULT, testAccuracy: test.accuracy, testRows: TEST_ROWS }, 3_000);
}

function writeState(home: string): number {
  const trials = trialsOfAll();
  const random = seededRandom(1);
  const journal = openJournal(home);
  const part = { sweep: SWEEP, first: 0, trials, last: true, retryFailed: false, rerun: false, extend: false };
  journal.transaction(() => journal.submit({ ...part, options: DEFAULT_SWEEP_OPTIONS, owner: '' }, 1));
  for (let first = 0; first < trials.length; first += 500) {
    journal.transaction(() => {
      for (const trial of trials.slice(first, first + 500)) finish(journal, trial, random);
    });
  }
  journal.close();
  return trials.length;
}

const folder = mkdtempSync(join(tmpdir(), 'dss-bench-'));
try {
  console.error('writing the state folder');
  const trials = writeState(folder);
  const out = join(folder, 'report');
  const child = fileURLToPath(import.meta.resolve('./support/report-process.js'));
  const { stdout } = await run(process.execPath, [child, folder, SWEEP, out]);
  const { seconds, foldedSeconds, cpuSeconds, peakBytes } = JSON.parse(stdout) as Readonly<Record<string, number>>;
  const sizeOf = (name: string) => statSync(join(out, name)).size / 1e6;
  const all = readdirSync(out, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => sum + sizeOf(name), 0);
  const what = `${trials.toLocaleString('en')} trials`;
  report(
    'The report of a large sweep',
    [
      {
        what: `report of ${what}`,
        unit: 's',
        value: seconds ?? Number.NaN,
        aim: { atMost: 10 },
        detail: `${(foldedSeconds ?? Number.NaN).toFixed(1)} s of it to read and fold, ${(cpuSeconds ?? Number.NaN).toFixed(1)} s of processors; ${all.toFixed(0)} MB in all files`,
      },
      {
        what: 'peak memory',
        unit: 'MiB',
        value: (peakBytes ?? Number.NaN) / 2 ** 20,
        aim: { atMost: 500 },
        detail: 'of the process, node included',
      },
      { what: 'report.html', unit: 'MB', value: sizeOf('report.html'), aim: { atMost: 5 }, detail: '' },
    ],
    values.json,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
