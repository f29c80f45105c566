import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDss, temporaryFolder } from '../support/dss.js';
import { DATASETS, historyOf, writeTinySweep } from '../support/tiny-sweep.js';

interface TrialOutput {
  readonly id: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly state: string;
  readonly attempts: number;
  readonly training: readonly { step: number; loss: number }[];
  readonly evaluations: readonly { step: number; split: string; loss: number; accuracy: number }[];
  readonly test_accuracy: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** What must be the same whenever and wherever a trial runs with the same number of threads. */
const numbersOf = ({ id, training, evaluations, test_accuracy }: TrialOutput) => ({
  id,
  training,
  evaluations,
  test_accuracy,
});

describe('a sweep through real workers', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let file: string;
  let env: Record<string, string>;

  const resultsOf = async (sweep: string, home = env['DSS_HOME'] ?? ''): Promise<readonly TrialOutput[]> =>
    JSON.parse((await runDss(['results', sweep, '--json', '--home', home], { env })).stdout);

  before(async () => {
    folder = temporaryFolder();
    file = writeTinySweep(folder.path);
    env = { DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
    const { code, stdout, stderr } = await runDss(['sweep', file, '--workers', '2'], { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /4 requested → 4 distinct → 0 already done → 4 to run/);
    assert.match(stdout, /dispatch-t5 +dispatch +gt +standard +\d+\.\d+ ± \d+\.\d+ +2/);
    assert.match(stdout, /Step-by-step minus standard, paired by seed/);
    assert.match(stdout, /4 of 4 trials done/);
    assert.match(stderr, /report\.md/);
  });

  after(() => folder[Symbol.dispose]());

  it('gives every trial its losses, evaluations and environment', async () => {
    const results = await resultsOf('tiny');
    assert.equal(results.length, 4);
    for (const { id, settings, state, attempts, training, evaluations, test_accuracy, environment } of results) {
      assert.match(id, /^[0-9a-f]{20}$/);
      assert.deepEqual([state, attempts], ['succeeded', 1]);
      assert.deepEqual(
        training.map(({ step }) => step),
        [6, 12],
      );
      // The test split is looked at once, at the step that the valid split chose: the earliest best one.
      const valid = evaluations.filter(({ split }) => split === 'valid');
      assert.deepEqual(
        valid.map(({ step }) => step),
        [6, 12],
      );
      const best = valid.reduce((found, each) => (each.accuracy > found.accuracy ? each : found));
      const test = evaluations.filter(({ split }) => split === 'test');
      assert.deepEqual(
        test.map(({ step, accuracy }) => [step, accuracy]),
        [[best.step, test_accuracy]],
      );
      assert.equal(settings['alpha'], settings['model_type'] === 'standard' ? null : 0.5);
      for (const name of ['python', 'torch', 'transformers', 'device', 'threads', 'engine']) {
        assert.ok(environment[name], `environment.${name}`);
      }
    }
  });

  it('runs nothing when the same command comes again, and prints the same table', async () => {
    const { code, stdout, stderr } = await runDss(['sweep', file, '--workers', '2'], { env });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /4 distinct → 4 already done → 0 to run/);
    assert.match(stdout, /4 of 4 trials done/);
    for (const { begun, succeeded } of historyOf(env['DSS_HOME'] ?? '').values()) {
      assert.deepEqual([begun, succeeded], [1, 1]);
    }
  });

  it('runs only what is new of another sweep that shares trials', async () => {
    const other = writeTinySweep(folder.path, { name: 'wider', methods: ['standard'], seeds: [0, 1, 2] });
    const { code, stdout } = await runDss(['sweep', other, '--workers', '1'], { env });
    assert.equal(code, 0);
    assert.match(stdout, /3 requested → 3 distinct → 2 already done → 1 to run/);
  });

  it('writes a report whose numbers are those of the results', async () => {
    const out = join(folder.path, 'report');
    const { code } = await runDss(['report', 'tiny', '--out', out], { env });
    assert.equal(code, 0);
    const rows = readFileSync(join(out, 'results.csv'), 'utf8').trim().split('\n');
    assert.equal(rows.length, 5);
    const columns = (rows[0] ?? '').split(',');
    for (const [index, { id, test_accuracy }] of (await resultsOf('tiny')).entries()) {
      const fields = (rows[index + 1] ?? '').split(',');
      assert.equal(fields[columns.indexOf('id')], id);
      assert.equal(Number(fields[columns.indexOf('test_accuracy')]), test_accuracy);
    }
    assert.ok(existsSync(join(out, 'report.md')));
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
    assert.equal(summary.cells.length, 2);
  });

  it('gives a trial the same id and the same numbers alone in a fresh process as after another in a warm one', async () => {
    const home = join(folder.path, 'alone');
    const [, second] = await resultsOf('tiny');
    assert.ok(second !== undefined);
    const flags = ['--model', String(second.settings['model']), '--dataset', 'dispatch', '--seed', '1'];
    const settings = ['--model_type', 'standard', '--init', 'random', '--batch_size', '8', '--eval_steps', '6'];
    const sizes = ['--subsample', '0.1', '--lr', '0.002', '--max_steps', '12', '--name', 'alone', '--home', home];
    // Two workers, so that each has as many threads as in the sweep.
    const { code, stderr } = await runDss(['run', ...flags, ...settings, ...sizes, '--workers', '2'], { env });
    assert.equal(code, 0, stderr);
    const [alone] = await resultsOf('alone', home);
    assert.ok(alone !== undefined);
    const same = (await resultsOf('tiny')).find(({ id }) => id === alone.id);
    assert.ok(same !== undefined, 'the id is another one');
    assert.deepEqual(numbersOf(alone), numbersOf(same));
  });

  it('ends with exit code 1 and the cause when a trial fails by its own settings, and keeps the others', async () => {
    const broken = writeTinySweep(folder.path, { name: 'broken', seeds: [5], train: { lr: '1.0e+30' } });
    const { code, stderr } = await runDss(['sweep', broken, '--workers', '1'], { env });
    assert.equal(code, 1);
    assert.match(stderr, /NON_FINITE/);
    const results = await resultsOf('broken');
    assert.deepEqual(
      results.map(({ state, attempts }) => [state, attempts]),
      [
        ['failed', 1],
        ['failed', 1],
      ],
    );
    const [first] = results;
    const log = await runDss(['logs', (first?.id ?? '').slice(0, 10)], { env });
    assert.equal(log.code, 0);
  });
});
