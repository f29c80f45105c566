import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';

const REPLICATION = ['anli1', 'cqa', 'esnli', 'training-sizes'].map((name) =>
  join(REPOSITORY, 'sweeps/replication', `${name}.yaml`),
);

/** Nothing of the hub is on disk here, and no dataset. */
function bare() {
  const folder = temporaryFolder();
  mkdirSync(join(folder.path, 'data'));
  const env = { DSS_HOME: join(folder.path, 'home'), HF_HOME: folder.path, DSS_DATASETS: join(folder.path, 'data') };
  return { path: folder.path, env, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe('dss plan with a device', () => {
  it('prices the replication without data, weights or network', async () => {
    using folder = bare();
    const args = ['plan', ...REPLICATION, '--device', 'a100-80,8xh200', '--price', '2', '--json'];
    const { code, stdout, stderr } = await runDss(args, { env: folder.env });
    assert.equal(code, 0, stderr);
    const { sweeps, cost } = JSON.parse(stdout);
    assert.deepEqual(
      sweeps.map((each: { sweep: string; distinct: number }) => [each.sweep, each.distinct]),
      [
        ['replication-anli1', 12],
        ['replication-cqa', 12],
        ['replication-esnli', 12],
        ['replication-training-sizes', 60],
      ],
    );
    assert.ok(sweeps.every(({ trials }: { trials: { id: unknown }[] }) => trials.every(({ id }) => id === null)));
    const downloads = cost.downloads.map(({ model, bytes }: { model: string; bytes: number }) => [model, bytes / 1e9]);
    assert.deepEqual(
      downloads.map(([model, gigabytes]: [string, number]) => `${model} ${gigabytes.toFixed(2)}`),
      ['google/t5-v1_1-small 0.31', 'google/t5-v1_1-base 0.99', 'google/t5-v1_1-large 3.13'],
    );
    const [a100, h200] = cost.devices;
    // Twelve trials of the last file are those of the others.
    assert.deepEqual([a100.trials, a100.do_not_fit, a100.time_unknown], [84, 0, 0]);
    assert.equal(a100.price, 2 * a100.device_hours);
    assert.ok(a100.device_hours > 2 * h200.device_hours);
    assert.match(stderr, /not here, .*: google\/t5-v1_1-small, .*anli1, cqa, esnli/);
  });

  it('says in words what would make a trial fit', async () => {
    using folder = bare();
    const file = join(folder.path, 'xxl.yaml');
    writeFileSync(
      file,
      'sweep: xxl\ngrid: {models: [google/t5-v1_1-xxl], datasets: [cqa], seeds: [0]}\ntrain: {precision: bf16}\n',
    );
    const { code, stdout } = await runDss(['plan', file, '--device', '1xh200,8xa100-80'], { env: folder.env });
    assert.equal(code, 0);
    assert.match(stdout, /11\.14 B +h200 .* no, 5\d\.\d GiB short/);
    assert.match(
      stdout,
      /on h200: does not fit on 1; it fits on 1 with `optimizer_states: host` and 83\.0 GiB of ordinary memory; or it fits on 1 with `optimizer: adamw8bit`, which is another method/,
    );
    assert.match(stdout, /asks for 1 device; it fits on 4: `devices: 4`/);
    assert.match(stdout, /download: about 41\.\d GiB of weights \(google\/t5-v1_1-xxl 41\.\d GiB\)/);
  });

  it('says whether a trial also fits on the fewest machines that it may go on with', async () => {
    using folder = bare();
    const file = join(folder.path, 'xxl.yaml');
    const fits = async (minMachines: number) => {
      writeFileSync(
        file,
        'sweep: xxl\ngrid: {models: [google/t5-v1_1-xxl], datasets: [cqa], seeds: [0]}\n' +
          `train: {precision: bf16, machines: 4, min_machines: ${minMachines}}\n`,
      );
      const { stdout } = await runDss(['plan', file, '--device', '8xa100-80', '--json'], { env: folder.env });
      return JSON.parse(stdout).cost.kinds[0].places.map((place: Record<string, unknown>) => [
        place['devices'],
        place['fits'],
        place['fits_on_min_machines'],
      ]);
    };
    assert.deepEqual(await fits(1), [[4, true, false]]);
    assert.deepEqual(await fits(4), [[4, true, true]]);
  });

  it('says that there are too few devices for what a trial asks for', async () => {
    using folder = bare();
    const file = join(folder.path, 'many.yaml');
    const grid = 'grid: {models: [google/t5-v1_1-base], datasets: [cqa], seeds: [0]}';
    writeFileSync(file, `sweep: many\n${grid}\ntrain: {devices: 4}\n`);
    const { stdout } = await runDss(['plan', file, '--device', '2xa100-80'], { env: folder.env });
    assert.match(stdout, / no, too few +8,766/);
    assert.match(stdout, /on a100-80: the file asks for 4 devices, and there are 2\n/);
    const none = await runDss(['plan', file, '--device', '0xa100-80'], { env: folder.env });
    assert.equal(none.code, 2);
    assert.match(none.stderr, /there is no device "0xa100-80"/);
  });

  it('prices a device of a file', async () => {
    using folder = bare();
    const mine = join(folder.path, 'mine.yaml');
    writeFileSync(mine, 'name: mine\nmemory_gib: 4\npeak_tflops: {fp32: 10}\n');
    const { stdout } = await runDss(['plan', REPLICATION[1] ?? '', '--device', mine], { env: folder.env });
    assert.match(stdout, /google\/t5-v1_1-large .* mine .* no, /);
    assert.match(stdout, /mine: numbers not checked \(the user\)/);
  });

  it('refuses a device that nobody knows, and a price that is none', async () => {
    using folder = bare();
    const unknown = await runDss(['plan', REPLICATION[0] ?? '', '--device', 'a100-8'], { env: folder.env });
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no device "a100-8".*\n.*did you mean a100-80\?/);
    const price = await runDss(['plan', REPLICATION[0] ?? '', '--price', '-1'], { env: folder.env });
    assert.equal(price.code, 2);
    assert.match(price.stderr, /--price: expected a price from 0/);
  });
});

describe('dss sweep', () => {
  it('refuses a trial that this machine has not the memory for, before anything starts', async () => {
    using folder = temporaryFolder();
    const model = join(folder.path, 'giant');
    mkdirSync(model);
    const config = { model_type: 't5', d_model: 65_536, d_ff: 65_536, num_layers: 48, num_heads: 512, d_kv: 128 };
    writeFileSync(join(model, 'config.json'), JSON.stringify(config));
    writeFileSync(join(model, 'tokenizer.json'), '{}');
    const file = writeTinySweep(folder.path, { model });
    const home = join(folder.path, 'home');
    const { code, stderr } = await runDss(['sweep', file, '--home', home, '--datasets', DATASETS]);
    assert.equal(code, 2);
    assert.match(stderr, /4 trials do not fit on any device here:\n.*giant on dispatch, standard: needs .*\(.*weights/);
    assert.match(stderr, /--ignore-memory tries it all the same/);
  });

  it('says that an optimizer needs a GPU where there is none, and starts nothing of it', async () => {
    using folder = temporaryFolder();
    const file = writeTinySweep(folder.path, { train: { optimizer: 'adamw8bit' } });
    const env = { DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS, CUDA_VISIBLE_DEVICES: '' };
    const plan = await runDss(['plan', file], { env });
    assert.equal(plan.code, 0, plan.stderr);
    assert.match(plan.stdout, / no, needs a GPU /);
    assert.match(plan.stdout, /^.*: `optimizer: adamw8bit` runs on a GPU alone; `optimizer: adamw` runs here$/m);
    // How much memory there is has nothing to do with it.
    const { code, stderr } = await runDss(['sweep', file, '--ignore-memory'], { env });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /4 trials ask for `optimizer: adamw8bit`, which runs on a GPU, and there is none\n {2}use `/);
  });
});

describe('dss plan of a sweep whose place has pools', () => {
  it('says which pool takes how many trials, and what fits none', async () => {
    using folder = temporaryFolder();
    const env = { DSS_HOME: join(folder.path, 'home'), DSS_DATASETS: DATASETS };
    const file = writeTinySweep(folder.path);
    const planWith = async (memory: readonly string[], ...flags: readonly string[]) => {
      const pools = memory.map((each, index) => ({ name: `p${index}`, max: 2, resources: { cpu: 1, memory: each } }));
      const withPools = join(folder.path, 'pools.yaml');
      const text = `${readFileSync(file, 'utf8')}run: ${JSON.stringify({ on: 'kubernetes', pools })}\n`;
      writeFileSync(withPools, text);
      const { code, stdout, stderr } = await runDss(['plan', withPools, ...flags], { env });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const lines = await planWith(['10Mi', '16Gi']);
    assert.match(lines, /^pool p0: 2 workers with a CPU and 10\.0 MiB; takes 0 of 4 trials$/m);
    assert.match(lines, /^pool p1: 2 workers with a CPU and 16\.0 GiB; takes all 4 trials$/m);
    assert.doesNotMatch(lines, /no pool/);
    const { pools, fits_no_pool: unfit } = JSON.parse(await planWith(['10Mi'], '--json'));
    assert.deepEqual(
      pools.map(({ name, trials }: { name: string; trials: number }) => [name, trials]),
      [['p0', 0]],
    );
    assert.equal(
      unfit.reduce((sum: number, { trials }: { trials: number }) => sum + trials, 0),
      4,
    );
    assert.match(unfit[0].lacks[0].why, /a worker may use 10\.0 MiB, and it needs [\d.]+ MiB/);
    assert.match(await planWith(['10Mi']), /fit no pool, as .*dispatch.*:\n {2}p0: a worker may use 10\.0 MiB/);
  });
});
