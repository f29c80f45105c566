/** A sweep sent to a real MLflow server, read back by MLflow's own client. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sampleOf } from '../../orchestrator/core/statistics/sample.js';
import { cellIdOf } from '../../orchestrator/tracking/tracked.js';
import { runDss, temporaryFolder } from '../support/dss.js';
import { toolEnvironment } from '../support/python-tools.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';
import { type MlflowReader, type ReadRun, startReader } from './support/mlflow-reader.js';
import { databaseIn, type Forwarder, forwardTo, type MlflowServer, startMlflow } from './support/mlflow-server.js';
import {
  accuracyOf,
  FAILED,
  measuredBy,
  rerun,
  START_MS,
  SWEEP,
  TRIALS,
  writeTrackedSweep,
} from './support/tracked-sweep.js';

const KEYS = [
  ...['train/loss', 'train/learning_rate', 'eval/loss', 'eval/accuracy', 'test/loss', 'test/accuracy', 'test_accuracy'],
  ...['mean', 'std', 'n', 'ci95_low', 'ci95_high'].map((what) => `test_accuracy_${what}`),
];
const TOKEN = 'a-token-nobody-shows';

describe('a sweep in MLflow', () => {
  const folder = temporaryFolder();
  let bin: string;
  let server: MlflowServer;
  let between: Forwarder;
  let reader: MlflowReader;

  before(async function () {
    bin = toolEnvironment(this, 'mlflow');
    server = await startMlflow(bin, folder.path);
    between = await forwardTo(server.url);
    reader = startReader(join(bin, 'python'), server.url, databaseIn(folder.path));
  });
  after(async () => {
    await reader?.stop();
    await between?.close();
    await server?.stop();
    folder[Symbol.dispose]();
  });

  const send = (home: string, experiment: string, env: Readonly<Record<string, string>> = {}) =>
    runDss(['tracking', 'mlflow', SWEEP, '--home', home], {
      env: {
        MLFLOW_TRACKING_URI: between.url,
        MLFLOW_EXPERIMENT_NAME: experiment,
        MLFLOW_TRACKING_TOKEN: TOKEN,
        ...env,
      },
    });
  const read = (experiment: string) => reader.runs(experiment, ['train/loss', 'test_accuracy', 'test_accuracy_mean']);
  const of = (runs: readonly ReadRun[], place: number) =>
    runs.filter(({ tags }) => tags['dss.trial_id'] === TRIALS[place]?.trialId);
  /** MLflow's store here swallows what it has already, others have it twice then: so what it was handed counts. */
  const handedOnce = () => {
    const seen = new Set<string>();
    for (const point of between.delivered) {
      assert.ok(!seen.has(point), `${point} was sent twice`);
      seen.add(point);
    }
  };
  const noDoubles = (runs: readonly ReadRun[]) => {
    for (const { name, metrics } of runs) {
      for (const [key, points] of Object.entries(metrics)) {
        assert.equal(new Set(points.map(([step]) => step)).size, points.length, `${name}: ${key} has a step twice`);
      }
    }
  };

  it('is a run per cell and, below it, a run per seed, with every number', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path);
    const { code, stdout, stderr } = await send(home.path, 'whole');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^6 of 6 trials in experiment "whole" at http:\/\/127\.0\.0\.1:\d+\/#\/experiments\/\d+\n$/);
    const runs = await reader.runs('whole', KEYS);
    assert.equal(runs.length, 2 + TRIALS.length);
    for (const [place, trial] of TRIALS.entries()) {
      const [run, ...others] = of(runs, place);
      assert.ok(run !== undefined && others.length === 0);
      const { training, evaluations } = measuredBy(place);
      assert.deepEqual(
        run.metrics['train/loss'],
        training.map(({ step, loss }) => [step, Number.isNaN(loss) ? 'nan' : python(loss)]),
      );
      assert.deepEqual(run.metrics['train/learning_rate'], [
        [50, '2.5e-05'],
        [100, '0.0'],
      ]);
      for (const [split, prefix] of [
        ['valid', 'eval'],
        ['test', 'test'],
      ] as const) {
        const points = evaluations.filter((each) => each.split === split);
        assert.deepEqual(
          run.metrics[`${prefix}/accuracy`],
          points.map(({ step, accuracy }) => [step, python(accuracy)]),
        );
        assert.deepEqual(
          run.metrics[`${prefix}/loss`],
          points.map(({ step, loss }) => [step, python(loss)]),
        );
      }
      const hasFailed = place === FAILED;
      assert.equal(run.status, hasFailed ? 'FAILED' : 'FINISHED');
      assert.deepEqual([run.start, run.end], [START_MS + place * 10_000, START_MS + (place + 1) * 10_000]);
      assert.deepEqual(run.metrics['test_accuracy'], hasFailed ? undefined : [[100, python(accuracyOf(place))]]);
      const settings = Object.entries(trial.settings).filter(([, value]) => value !== null);
      assert.deepEqual(run.params, Object.fromEntries(settings.map(([name, value]) => [name, String(value)])));
      assert.equal(run.name, `seed ${trial.settings.seed}`);
      assert.equal(run.tags['dss.attempt'], '1');
      assert.equal(run.tags['dss.environment.torch'], hasFailed ? undefined : '2.15.0');
      assert.equal(run.tags['dss.environment.gpu_name'], hasFailed ? undefined : 'none');
      assert.equal(run.tags['dss.failure'], hasFailed ? 'NON_FINITE_LOSS: the loss at step 3 is nan' : undefined);
      assert.equal(runs.find(({ id }) => id === run.parent)?.tags['dss.cell'], cellIdOf(trial.settings));
    }
    noDoubles(runs);
  });

  it('has mean, deviation and interval of a cell in its run', async () => {
    const runs = await reader.runs('whole', KEYS);
    const cell = runs.find(
      ({ tags }) => tags['dss.cell'] === cellIdOf(TRIALS[0]?.settings as never) && tags['dss.kind'] === 'cell',
    );
    const { mean, sd } = sampleOf([0, 1, 2].map(accuracyOf));
    assert.equal(cell?.name, 'tïny cqa gt standard');
    assert.equal(cell?.params['seed'], undefined);
    assert.deepEqual(cell?.metrics['test_accuracy_mean'], [[3, python(mean ?? 0)]]);
    assert.deepEqual(cell?.metrics['test_accuracy_std'], [[3, python(sd ?? 0)]]);
    assert.deepEqual(cell?.metrics['test_accuracy_n'], [[3, '3.0']]);
    // Student's t for two degrees of freedom, from a table.
    const half = (4.302652729911275 * (sd ?? 0)) / Math.sqrt(3);
    const high = Number(cell?.metrics['test_accuracy_ci95_high']?.[0]?.[1]);
    assert.ok(Math.abs(high - (mean ?? 0) - half) < 1e-9, String(high));
    assert.equal(cell?.status, 'FINISHED');
    assert.equal(runs.find(({ tags, name }) => tags['dss.kind'] === 'cell' && name !== cell?.name)?.status, 'FAILED');
  });

  it('shows who asks, and prints that nowhere', async () => {
    assert.ok(between.requests.every(({ authorization }) => authorization === `Bearer ${TOKEN}`));
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 1);
    const uri = between.url.replace('http://', 'http://ada:pass%20word@');
    const { code, stdout, stderr } = await send(home.path, 'login', { MLFLOW_TRACKING_URI: uri });
    assert.equal(code, 0, stderr);
    assert.equal(between.requests.at(-1)?.authorization, `Basic ${Buffer.from('ada:pass word').toString('base64')}`);
    assert.doesNotMatch(stdout + stderr, /pass/);
    const files = readdirSync(join(home.path, 'tracking'), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((each) => each.endsWith('.db'))) {
      assert.ok(!readFileSync(join(home.path, 'tracking', file)).includes('pass'));
    }
  });

  it('is sent once: the second time asks for the experiment and no more', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path);
    await send(home.path, 'twice');
    const before = between.requests.length;
    assert.equal((await send(home.path, 'twice')).code, 0);
    assert.deepEqual(
      between.requests.slice(before).map(({ what }) => what),
      ['GET experiments/get-by-name'],
    );
    noDoubles(await read('twice'));
  });

  it('grows while trials run', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 1);
    await send(home.path, 'grows');
    const [running] = of(await read('grows'), 1);
    assert.deepEqual([running?.status, running?.end], ['RUNNING', null]);
    assert.deepEqual(
      running?.metrics['train/loss']?.map(([step]) => step),
      [50],
    );
    assert.deepEqual(of(await read('grows'), 2), []);
    writeTrackedSweep(home.path);
    await send(home.path, 'grows');
    const runs = await read('grows');
    assert.equal(runs.length, 2 + TRIALS.length);
    assert.deepEqual(
      of(runs, 1)[0]?.metrics['train/loss']?.map(([step]) => step),
      [50, 100],
    );
    const cell = runs.find(({ id }) => id === of(runs, 1)[0]?.parent);
    // The mean of one seed, and then of three.
    assert.deepEqual(
      cell?.metrics['test_accuracy_mean']?.map(([step]) => step),
      [1, 3],
    );
    noDoubles(runs);
  });

  for (const what of ['POST runs/create', 'POST runs/log-batch', 'POST runs/update', 'POST experiments/create']) {
    it(`has nothing twice when the answer to ${what} is lost`, async () => {
      between.delivered.length = 0;
      using home = temporaryFolder();
      writeTrackedSweep(home.path);
      const experiment = `lost ${what}`;
      between.loseAnswerTo(what);
      const first = await send(home.path, experiment);
      assert.equal(first.code, 75, first.stderr);
      assert.match(first.stderr, /^error: MLflow at http:\/\/127\.0\.0\.1:\d+: .*hang up/);
      assert.equal((await send(home.path, experiment)).code, 0);
      const runs = await read(experiment);
      assert.equal(runs.length, 2 + TRIALS.length);
      assert.ok(runs.every(({ params }) => params['model'] === 'models/tïny'));
      handedOnce();
      noDoubles(runs);
    });
  }

  it('has nothing twice when the state folder has lost what was sent', async () => {
    between.delivered.length = 0;
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 2);
    await send(home.path, 'forgotten');
    rmSync(join(home.path, 'tracking'), { recursive: true });
    writeTrackedSweep(home.path);
    assert.equal((await send(home.path, 'forgotten')).code, 0);
    handedOnce();
    const runs = await read('forgotten');
    assert.equal(runs.length, 2 + TRIALS.length);
    noDoubles(runs);
  });

  it('keeps both runs of a trial that was run again with other numbers, and says which counts', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path);
    await send(home.path, 'again');
    rerun(home.path, 0, 0.9);
    assert.equal((await send(home.path, 'again')).code, 0);
    const runs = of(await read('again'), 0);
    assert.deepEqual(
      runs.map(({ tags, metrics }) => [tags['dss.current'], metrics['test_accuracy']?.[0]?.[1]]).sort(),
      [
        ['false', '0.5'],
        ['true', '0.9'],
      ],
    );
  });

  it('is sent again where a person has removed its runs for good', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 0);
    await send(home.path, 'removed');
    const [run] = of(await read('removed'), 0);
    await reader.remove(run?.id ?? '');
    writeTrackedSweep(home.path, 1);
    assert.equal((await send(home.path, 'removed')).code, 0);
    assert.equal(of(await read('removed'), 0)[0]?.status, 'FINISHED');
  });

  it('is sent by `dss sweep` itself while that runs', async () => {
    using home = temporaryFolder();
    const file = writeTinySweep(home.path, { name: 'by-itself', methods: ['standard'] });
    const { code, stderr } = await runDss(['sweep', file, '--home', home.path, '--datasets', DATASETS], {
      env: { MLFLOW_TRACKING_URI: between.url, MLFLOW_TRACKING_TOKEN: TOKEN },
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^MLflow: by-itself is sent to http:\S+ while it runs$/m);
    assert.match(stderr, /^MLflow: 2 of 2 trials in experiment "by-itself" at http:\S+$/m);
    const results = JSON.parse((await runDss(['results', 'by-itself', '--json', '--home', home.path])).stdout);
    const runs = await read('by-itself');
    for (const { id, test_accuracy, training } of results) {
      const run = runs.find(({ tags }) => tags['dss.trial_id'] === id);
      assert.deepEqual(
        run?.metrics['test_accuracy']?.map(([, value]) => Number(value)),
        [test_accuracy],
      );
      const losses = run?.metrics['train/loss']?.map(([step, value]) => ({ step, loss: Number(value) }));
      assert.deepEqual(losses, training);
    }
    noDoubles(runs);
  });

  it('waits for a server that is away, and is sent later', async () => {
    using home = temporaryFolder();
    writeTrackedSweep(home.path, 1);
    await send(home.path, 'away');
    const { port } = new URL(server.url);
    await server.stop();
    writeTrackedSweep(home.path);
    const away = await send(home.path, 'away', { MLFLOW_TRACKING_URI: server.url });
    assert.equal(away.code, 75);
    assert.match(away.stderr, /ECONNREFUSED/);
    assert.doesNotMatch(away.stderr, new RegExp(TOKEN));
    server = await startMlflow(bin, folder.path, Number(port));
    assert.equal((await send(home.path, 'away')).code, 0);
    const runs = await read('away');
    assert.equal(runs.length, 2 + TRIALS.length);
    noDoubles(runs);
    assert.ok(existsSync(join(home.path, 'tracking', 'mlflow')));
  });
});

/** A number as Python prints it. */
function python(value: number): string {
  if (Number.isInteger(value)) return `${value}.0`;
  return String(value).replace(/e-(\d)$/, 'e-0$1');
}
