/**
 * What memory training takes on this machine's processor, beside what was said of it before.
 *
 *   npm run bench:memory [-- --sizes tiny,small,base] [--methods standard,task_prefix] [--steps 5] [--json FILE]
 *
 * For each model and method, some steps of 64 rows of cqa in a process of their own: fp32, dropout on, the largest
 * that was resident. Two predictions of it: that of `dss plan`, which knows a table of T5's token counts, and that of
 * the worker, which has counted those of its rows (this model's tokenizer makes more of them). What a process takes for
 * libraries, tokenizer and rows is measured with a model of almost no weights, and left out.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { askProbe } from '../orchestrator/cli/plan/probe.js';
import { predictMemory } from '../orchestrator/core/cost/memory.js';
import type { Trial } from '../orchestrator/core/domain.js';
import { planSweep } from '../orchestrator/plan/plan-sweep.js';
import { TrialSizes } from '../orchestrator/plan/trial-facts.js';
import { readSweepFile } from '../orchestrator/sources/read-sweep-file.js';
import { DATASETS, hasReference, makeModel } from './support/reference.js';
import { type Row, report } from './support/rows.js';

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
    for (const trial of await trialsOf('empty')) rest.set(trial.settings.model_type, (await measure(trial)).seen);
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
  const { method, plan, worker, ...measured } = await measure(trial);
  const besides = rest.get(method) ?? 0;
  const seen = measured.seen - besides;
  const row = (who: string, predicted: number): Row => ({
    what: `${size}, ${method}: seen over predicted by ${who}`,
    unit: '',
    value: seen / predicted,
    aim: { within: ERROR },
    detail: `${mib(seen)} seen (and ${mib(besides)} for tokens and libraries), ${mib(predicted)} predicted`,
  });
  return [row('dss plan', plan), row('the worker', worker)];
}

async function measure(trial: Trial) {
  const facts = await new TrialSizes().of(trial);
  if (facts === null) throw new Error(`nothing is known of ${trial.settings.model}`);
  const { parts, total } = predictMemory(facts, { kind: 'cpu', devices: 1, memoryBytes: totalmem() });
  const probed = await askProbe(trial, Number(values.steps));
  const process = probed.process_memory_bytes;
  return {
    method: trial.settings.model_type,
    seen: probed.peak_memory_bytes - process,
    plan: total - parts.process,
    worker: probed.predicted_memory_bytes - process,
  };
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toLocaleString('en-US', { maximumFractionDigits: 0 })} MiB`;
}
