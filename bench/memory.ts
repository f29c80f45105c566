/**
 * What memory training takes on this machine's processor, beside what was said of it before.
 *
 *   npm run bench:memory [-- --sizes tiny,small,base] [--methods standard,task_prefix] [--steps 5] [--json FILE]
 *
 * For each model and method, some steps of 64 rows of cqa in a process of their own: fp32, dropout on. Once by what
 * tensors had at most, as torch records it, and once, but for the tiny model, by what was resident. Two predictions:
 * that of `dss plan`, which knows a table of T5's token counts, and that of the worker, which has counted those of its
 * rows (this model's tokenizer makes more of them). What a process takes for libraries, tokenizer and rows is measured
 * with a model of almost no weights, and left out; of a tiny one it varies by more than its tensors.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { askProbe, probeRequest } from '../orchestrator/cli/plan/probe.js';
import { findPython, pythonPath } from '../orchestrator/cli/python.js';
import { predictMemory } from '../orchestrator/core/cost/memory.js';
import type { Trial } from '../orchestrator/core/domain.js';
import { planSweep } from '../orchestrator/plan/plan-sweep.js';
import { TrialSizes } from '../orchestrator/plan/trial-facts.js';
import { readSweepFile } from '../orchestrator/sources/read-sweep-file.js';
import { DATASETS, hasReference, makeModel } from './support/reference.js';
import { type Row, report } from './support/rows.js';
import { run } from './support/run.js';

/** Predictions are to be this near. */
const ERROR = 0.1;
const MIB = 2 ** 20;

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: 'tiny,small,base' },
    methods: { type: 'string', default: 'standard,task_prefix' },
    steps: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'dss-bench-'));
try {
  if (hasReference()) {
    await makeModel('tiny', join(folder, 'tiny'));
    makeEmptyModel();
    const rest = new Map<string, number>();
    for (const trial of await trialsOf('empty')) rest.set(trial.settings.model_type, await resident(trial));
    const rows: Row[] = [];
    for (const size of values.sizes.split(',')) {
      await makeModel(size, join(folder, size));
      for (const trial of await trialsOf(size)) rows.push(...(await rowsOf(size, trial, rest)));
    }
    report(`Memory of ${values.steps} steps of 64 rows of cqa, fp32`, rows, values.json);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** Of the tokens that the others have. */
function makeEmptyModel(): void {
  cpSync(join(folder, 'tiny'), join(folder, 'empty'), { recursive: true });
  rmSync(join(folder, 'empty', 'model.safetensors'));
  const path = join(folder, 'empty', 'config.json');
  // As text: of 1.0 a parser would make 1, which transformers takes for another type.
  const config = Object.entries({ d_model: 4, d_kv: 4, d_ff: 4, num_heads: 1, num_layers: 1, num_decoder_layers: 1 });
  const text = config.reduce(
    (found, [name, value]) => found.replace(new RegExp(`"${name}": \\d+`), `"${name}": ${value}`),
    readFileSync(path, 'utf8'),
  );
  writeFileSync(path, text);
}

/** One by each method. */
async function trialsOf(size: string): Promise<readonly Trial[]> {
  const file = join(folder, `${size}.yaml`);
  const grid = {
    models: [join(folder, size)],
    datasets: ['cqa'],
    label_type: ['gt'],
    model_type: values.methods.split(','),
    seeds: [0],
  };
  // A few steps select no weights.
  const train = { batch_size: 64, select: 'compat', init: size === 'empty' ? 'random' : 'pretrained' };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ sweep: size, grid, train }));
  const { spec, directory } = await readSweepFile(file);
  const plan = await planSweep(spec, {
    specDirectory: directory,
    datasetsRoot: DATASETS,
    home: join(folder, 'home'),
    askHub: async () => new Map(),
  });
  const [rejected] = plan.rejected;
  if (rejected !== undefined) throw new Error(rejected.message);
  return plan.trials;
}

async function rowsOf(size: string, trial: Trial, rest: ReadonlyMap<string, number>): Promise<readonly Row[]> {
  const { model_type: method } = trial.settings;
  const plan = await predictedByPlan(trial);
  const row = (how: string, who: string, seen: number, predicted: number, besides = ''): Row => ({
    what: `${size}, ${method}: ${how} over predicted by ${who}`,
    unit: '',
    value: seen / predicted,
    aim: { within: ERROR },
    detail: `${mib(seen)} ${how}${besides}, ${mib(predicted)} predicted`,
  });
  const { most_bytes: counted, predicted_bytes: worker } = await count(trial);
  const rows = [row('allocated', 'dss plan', counted, plan), row('allocated', 'the worker', counted, worker)];
  if (size === 'tiny') return rows;
  const apart = rest.get(method) ?? 0;
  const seen = (await resident(trial)) - apart;
  const besides = ` (and ${mib(apart)} for tokens and libraries)`;
  return [
    ...rows,
    row('resident', 'dss plan', seen, plan, besides),
    row('resident', 'the worker', seen, worker, besides),
  ];
}

async function predictedByPlan(trial: Trial): Promise<number> {
  const facts = await new TrialSizes().of(trial);
  if (facts === null) throw new Error(`nothing is known of ${trial.settings.model}`);
  const { parts, total } = predictMemory(facts, { kind: 'cpu', devices: 1, memoryBytes: totalmem() });
  return total - parts.process;
}

/** Without what the process had before. */
async function resident(trial: Trial): Promise<number> {
  const { peak_memory_bytes: peak, process_memory_bytes: process } = await askProbe(trial, Number(values.steps));
  return peak - process;
}

async function count(trial: Trial): Promise<{ readonly most_bytes: number; readonly predicted_bytes: number }> {
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(probeRequest(trial)));
  const script = fileURLToPath(new URL('counted_memory.py', import.meta.url));
  const { stdout } = await run(findPython(), [script, config, values.steps], { PYTHONPATH: pythonPath() });
  return JSON.parse(stdout) as { readonly most_bytes: number; readonly predicted_bytes: number };
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toLocaleString('en-US', { maximumFractionDigits: 0 })} MiB`;
}
