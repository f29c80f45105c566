import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningDss, runDss, startDss, temporaryFolder } from '../support/dss.js';
import { DATASETS, historyOf, type TinySweep, writeTinySweep } from '../support/tiny-sweep.js';

interface TrialOutput {
  readonly id: string;
  readonly state: string;
  readonly test_accuracy: number | null;
}

describe('a control plane that serves', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  let env: Record<string, string>;
  let running: RunningDss[];

  beforeEach(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
    env = { DSS_HOME: home, DSS_DATASETS: DATASETS };
    running = [];
  });

  afterEach(async () => {
    for (const { process } of running) process.kill('SIGKILL');
    await Promise.all(running.map(({ finished }) => finished));
    folder[Symbol.dispose]();
  });

  const start = (...args: string[]): RunningDss => {
    const dss = startDss(args, { env });
    running.push(dss);
    return dss;
  };

  /** Resolves when it answers. */
  const serve = async (...args: string[]): Promise<RunningDss> => {
    const dss = start('serve', '--listen', '127.0.0.1:0', ...args);
    await dss.lineOnStderr((line) => line.includes('dss worker'));
    return dss;
  };

  const stop = async (dss: RunningDss): Promise<void> => {
    dss.process.kill('SIGINT');
    const { code, stderr } = await dss.finished;
    assert.equal(code, 130, stderr);
  };

  const dss = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runDss(args, { env });
    assert.equal(code, 0, stderr);
    return stdout;
  };

  const resultsOf = async (sweep: string, of = home): Promise<readonly TrialOutput[]> =>
    JSON.parse(await dss('results', sweep, '--json', '--home', of)) as TrialOutput[];

  const addressOf = (): string => {
    const { address } = JSON.parse(readFileSync(join(home, 'control.json'), 'utf8')) as { address: string };
    return address;
  };

  const sweepFile = (sweep: TinySweep) => writeTinySweep(folder.path, sweep);

  it('runs a sweep that is handed to it on a worker that joined by hand, with the results of a sweep of its own', async () => {
    const plane = await serve();
    const worker = start('worker', '--threads', '1', '--name', 'by-hand');
    const file = sweepFile({ methods: ['standard'] });
    const { code, stdout, stderr } = await runDss(['sweep', file], { env });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /handed to the control plane that serves this state folder/);
    assert.match(stderr, /start .* on by-hand/);
    assert.match(stdout, /2 of 2 trials done/);
    const handed = await resultsOf('tiny');

    const alone = join(folder.path, 'alone');
    await dss('sweep', file, '--workers', '2', '--home', alone);
    assert.deepEqual(
      handed.map(({ id, test_accuracy }) => [id, test_accuracy]),
      (await resultsOf('tiny', alone)).map(({ id, test_accuracy }) => [id, test_accuracy]),
    );
    await stop(plane);
    worker.process.kill('SIGINT');
    const { stderr: said } = await worker.finished;
    assert.match(said, /trains on (?:cpu|cuda:0): \S/);
  });

  it('goes on without whoever handed a sweep over, and shows it to them again', async () => {
    const plane = await serve('--workers', '1');
    const file = sweepFile({ seeds: [0, 1, 2], methods: ['standard'] });
    const watching = start('sweep', file);
    await watching.lineOnStderr((line) => line.includes('start '));
    watching.process.kill('SIGINT');
    const left = await watching.finished;
    assert.equal(left.code, 130, left.stderr);
    assert.match(left.stderr, /left; the sweep goes on/);
    await dss('sweep', file, '--detach');
    const back = await runDss(['sweep', file], { env });
    assert.equal(back.code, 0, back.stderr);
    assert.match(back.stdout, /3 of 3 trials done/);
    await stop(plane);
    assert.deepEqual(
      [...historyOf(home).values()].map(({ begun }) => begun),
      [1, 1, 1],
    );
  });

  it('loses and doubles nothing when it is killed and started again, and its worker comes back by itself', async () => {
    const file = sweepFile({ maxSteps: 40, train: { eval_steps: 20 } });
    const first = await serve();
    const address = addressOf();
    const worker = start('worker', '--server', address, '--threads', '1', '--name', 'stays');
    const watching = start('sweep', file);
    await watching.lineOnStderr((line) => line.includes('[1/4] done'));
    first.process.kill('SIGKILL');
    await first.finished;
    await watching.lineOnStderr((line) => line.includes('the sweep waits for it, and so does this'));

    const second = start('serve', '--listen', address);
    await second.lineOnStderr((line) => line.includes('dss worker'));
    const { code, stdout, stderr } = await watching.finished;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /4 of 4 trials done/);
    for (const number of [1, 2, 3, 4]) assert.equal(stderr.split(`[${number}/4] done`).length, 2, stderr);
    await stop(second);
    worker.process.kill('SIGINT');
    await worker.finished;
    const history = [...historyOf(home).values()];
    assert.deepEqual(
      history.map(({ begun, succeeded }) => [begun, succeeded]),
      history.map(() => [1, 1]),
      'what ran went on under its worker',
    );
  });

  it('extends, pauses, goes on, cancels, tries again and runs again what it is told to', async () => {
    const plane = await serve('--workers', '1');
    await dss('sweep', sweepFile({ seeds: [0], methods: ['standard'] }));
    const more = sweepFile({ seeds: [0, 1], methods: ['standard'] });
    const refused = await runDss(['sweep', more], { env });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /SWEEP_CHANGED|1 trial is new|--extend/);
    assert.match(await dss('sweep', more, '--extend'), /2 of 2 trials done/);

    const long = sweepFile({ name: 'long', maxSteps: 4000, methods: ['standard'] });
    await dss('sweep', long, '--detach');
    await dss('pause', 'long');
    assert.match(await dss('status', 'long'), /paused/);
    const again = await runDss(['sweep', long, '--detach'], { env });
    assert.match(again.stderr, /^it was paused \(by hand\), and goes on$/m);
    await dss('pause', 'long');
    await dss('resume', 'long');
    await dss('cancel', 'long');
    assert.match(await dss('status', 'long'), /cancelled/);
    assert.match(await dss('retry', 'long'), /2 trials queued again/);
    assert.match(await dss('retry', 'long', '--failed'), /no trial of it has failed; it is left as it is/);
    await dss('cancel', 'long');

    await dss('sweep', more, '--rerun');
    await stop(plane);
    const begun = [...historyOf(home)].map(([, counts]) => counts.succeeded).filter((succeeded) => succeeded > 0);
    assert.deepEqual(begun, [2, 2], 'both trials of the first sweep ran twice');
  });

  it('keeps the token to join with in a file that only its owner reads, and says no token aloud', async () => {
    const plane = await serve();
    const path = join(home, 'join-token');
    const token = readFileSync(path, 'utf8').trim();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const stranger = startDss(['worker', '--threads', '1', '--name', 'stranger'], {
      env: { ...env, DSS_JOIN_TOKEN: 'x'.repeat(43) },
    });
    const { code, stderr } = await stranger.finished;
    assert.notEqual(code, 0);
    assert.match(stderr, /does not take this worker.*token/);
    plane.process.kill('SIGINT');
    const said = await plane.finished;
    assert.equal((said.stdout + said.stderr + stderr).includes(token), false);
    const again = await serve();
    assert.equal(readFileSync(path, 'utf8').trim(), token, 'the same in its next life');
    await stop(again);
  });

  it('says what to do where none serves, and that another machine is not listened to', async () => {
    const worker = await runDss(['worker'], { env });
    assert.deepEqual([worker.code, /start `dss serve`/.test(worker.stderr)], [75, true]);
    const detached = await runDss(['sweep', sweepFile({}), '--detach'], { env });
    assert.deepEqual([detached.code, /start `dss serve`/.test(detached.stderr)], [2, true]);
    const open = await runDss(['serve', '--listen', '0.0.0.0:7333'], { env });
    assert.deepEqual([open.code, /0\.0\.0\.0:7333.*refused/.test(open.stderr)], [2, true]);
  });
});
