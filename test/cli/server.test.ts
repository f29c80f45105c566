import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { TokenStore } from '../../orchestrator/auth/token-store.js';
import { splitAddress } from '../../orchestrator/control/address.js';
import type { Role } from '../../orchestrator/core/roles.js';
import { certify, tlsVariables } from '../support/certificates.js';
import { TestPlane } from '../support/control-planes.js';
import { type Finished, runDss, startDss, temporaryFolder } from '../support/dss.js';
import { BROKEN, STEP_BY_STEP, WAITING, writeMethodsSweep } from '../support/methods-sweep.js';
import { DATASETS, writeTinySweep } from '../support/tiny-sweep.js';
import { failureOf, resultOf } from '../support/trials.js';

describe('commands with --server', () => {
  /** Of the control plane. */
  let home: ReturnType<typeof temporaryFolder>;
  /** Of whoever asks. */
  let elsewhere: ReturnType<typeof temporaryFolder>;
  let test: TestPlane;

  const tokenFile = (role: Role): string => {
    const granted = { kind: 'user', user: role, role, createdAt: new Date(0).toISOString(), expiresAt: null } as const;
    const path = join(elsewhere.path, `${role}.token`);
    writeFileSync(path, `${new TokenStore(home.path).grant(granted)}\n`);
    return path;
  };

  const asked = (words: readonly string[], env: Record<string, string> = {}): Promise<Finished> =>
    runDss([...words, '--server', test.plane.address], {
      cwd: elsewhere.path,
      env: { DSS_HOME: elsewhere.path, DSS_TOKEN_FILE: tokenFile('submit'), ...env },
    });

  const here = (...words: readonly string[]): Promise<Finished> =>
    runDss(words, { cwd: elsewhere.path, env: { DSS_HOME: home.path } });

  beforeEach(async () => {
    home = temporaryFolder();
    elsewhere = temporaryFolder();
    writeMethodsSweep(home.path);
    test = await TestPlane.start({ home: home.path, serves: true });
  });

  afterEach(async () => {
    await test[Symbol.asyncDispose]();
    elsewhere[Symbol.dispose]();
    home[Symbol.dispose]();
  });

  const ALIKE: readonly (readonly string[])[] = [
    ['status'],
    ['status', '--json'],
    ['status', 'methods'],
    ['status', 'methods', '--json'],
    ['results', 'methods'],
    ['results', 'methods', '--json'],
    ['results', 'methods', '--format', 'csv'],
    ['logs', STEP_BY_STEP.trialId.slice(0, 10)],
    ['logs', STEP_BY_STEP.trialId, '--json'],
  ];
  for (const words of ALIKE) {
    it(`say the same as where the state folder is: dss ${words.join(' ')}`, async () => {
      const [far, near] = [await asked(words), await here(...words)];
      assert.deepEqual([far.code, far.stderr], [0, '']);
      assert.equal(far.stdout, near.stdout);
      assert.notEqual(far.stdout, '');
    });
  }

  it('write the same report as where the state folder is', async () => {
    assert.equal((await asked(['report', 'methods', '--out', 'far'])).code, 0);
    assert.equal((await here('report', 'methods', '--out', 'near')).code, 0);
    const filesIn = (folder: string) =>
      readdirSync(join(elsewhere.path, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .sort()
        .map((path) => [relative(join(elsewhere.path, folder), path), readFileSync(path, 'utf8')]);
    assert.deepEqual(filesIn('far'), filesIn('near'));
    assert.ok(filesIn('far').some(([name]) => name === 'manifest.json'));
  });

  it('show the workers with what they hold', async () => {
    const worker = test.worker({ host: 'lab\u001b[2J', slots: 2 });
    const { lease } = await worker.next('assign');
    const load = { devices: [{ utilization: 0.5, memoryUsedBytes: 2 ** 30, memoryTotalBytes: 2 ** 31 }], warm: 2 };
    worker.say({ kind: 'load', load });
    await worker.acknowledged(worker.report({ kind: 'log', lease, lines: [], dropped: 0 }));
    const [table, json] = await Promise.all([asked(['status']), asked(['status', '--json'])]);
    assert.match(table.stdout, /^scripted-1 +lab\\u001b\[2J +a core +50 % +1\.0 of 2\.0 GiB +2 +1 +busy$/m);
    const standing = { worker: 'scripted-1', host: 'lab\u001b[2J', devices: ['a core'], slots: 2, lent: 1 };
    const rest = { state: 'busy', reason: '', load, running: [lease.trialId] };
    assert.deepEqual(JSON.parse(json.stdout).workers, [{ ...standing, ...rest }]);
  });

  it('say that nobody works for a sweep, and what would', async () => {
    const line = /^NO_WORKER: no worker is connected so far, and its trials wait for one \(`dss worker` joins/m;
    assert.match((await asked(['status', 'methods'])).stdout, line);
    await test.worker().next('assign');
    assert.doesNotMatch((await asked(['status', 'methods'])).stdout, line);
  });

  it('change a sweep there, in the name of whoever holds the token', async () => {
    assert.match((await asked(['pause', 'methods'])).stdout, /^methods: paused; `dss resume methods` goes on\n$/);
    assert.match((await asked(['status', 'methods'])).stdout, /paused: by hand/);
    assert.equal((await asked(['resume', 'methods'])).code, 0);
    assert.match((await asked(['retry', 'methods', '--failed'])).stdout, /1 trial queued again/);
    assert.match((await asked(['cancel', 'methods'])).stdout, /2 trials cancelled/);
    assert.equal((await test.client.sweep('methods'))?.standing.state, 'cancelled');
  });

  it('follow $DSS_SERVER, unless a state folder is named', async () => {
    const env = { DSS_HOME: elsewhere.path, DSS_TOKEN_FILE: tokenFile('read'), DSS_SERVER: test.plane.address };
    assert.match((await runDss(['status'], { env })).stdout, /^methods /m);
    assert.match((await runDss(['status', '--home', elsewhere.path], { env })).stdout, /no sweep has run yet/);
  });

  it('take the token of the state folder for the control plane that holds it, and for no other port', async () => {
    const env = { DSS_HOME: home.path, DSS_TOKEN: '', DSS_TOKEN_FILE: '' };
    assert.match((await asked(['status'], env)).stdout, /^methods /m);
    const { code, stderr } = await runDss(['status', '--server', '127.0.0.1:9'], { env });
    assert.equal(code, 2);
    assert.match(stderr, /no token for the control plane at 127\.0\.0\.1:9: DSS_TOKEN_FILE is not set/);
  });

  it('name the sweep that was probably meant there', async () => {
    const { code, stderr } = await asked(['results', 'metods']);
    assert.equal(code, 2);
    assert.match(stderr, /there is no sweep "metods"\n {2}did you mean methods\?/);
  });

  it('refuse what the role of the token does not allow, and say which one does', async () => {
    const env = { DSS_TOKEN_FILE: tokenFile('read') };
    assert.equal((await asked(['status'], env)).code, 0);
    const { code, stderr } = await asked(['cancel', 'methods'], env);
    assert.equal(code, 2);
    assert.match(stderr, /Cancel needs role submit; the token of read has read/);
  });

  it('say that a token is wrong, and where', async () => {
    const { code, stderr } = await asked(['status'], { DSS_TOKEN: 'x'.repeat(43) });
    assert.equal(code, 2);
    assert.ok(stderr.includes(`${test.plane.address}: the token is missing or wrong`), stderr);
  });

  it('say that nothing answers, that the address is none, and that the token file is none', async () => {
    const vacant = createServer().listen(0, '127.0.0.1');
    await once(vacant, 'listening');
    const address = `127.0.0.1:${(vacant.address() as { port: number }).port}`;
    vacant.close();
    await once(vacant, 'close');
    const env = { DSS_HOME: elsewhere.path, DSS_TOKEN_FILE: tokenFile('read') };
    const gone = await runDss(['status', '--server', address], { env });
    assert.equal(gone.code, 75);
    assert.match(gone.stderr, /no control plane answers at 127\.0\.0\.1:\d+: connect ECONNREFUSED 127\.0\.0\.1:\d+\n/);
    assert.match(
      (await runDss(['status', '--server', 'lab'], { env })).stderr,
      /--server: expected HOST:PORT, got "lab"/,
    );
    assert.match(
      (await runDss(['status', '--server', 'http://127.0.0.1:7333'], { env })).stderr,
      /--server: expected HOST:PORT, got "http:.*\n.*it goes without http:\/\//,
    );
    const unset = { ...env, DSS_TOKEN_FILE: join(elsewhere.path, 'no-such') };
    assert.match((await runDss(['status', '--server', address], { env: unset })).stderr, /DSS_TOKEN_FILE: .*ENOENT/);
  });

  it('say that what answers is another version, whose trials have other ids', async () => {
    await test[Symbol.asyncDispose]();
    test = await TestPlane.start({ home: home.path, version: '9.9.9' });
    const { code, stderr } = await asked(['status']);
    assert.equal(code, 2);
    assert.match(stderr, /is dss 9\.9\.9, and this is dss \d+\.\d+\.\d+.*\n {2}trials have other ids/);
  });

  it('export from the state folder where it is on this machine, and else ask for what was kept', async () => {
    const nothing = await asked(['export', STEP_BY_STEP.trialId, 'out']);
    assert.ok(nothing.stderr.includes(home.path), nothing.stderr); // it looked there for what was kept
    writeFileSync(join(home.path, 'id'), `${'0'.repeat(64)}\n`); // as on another machine, whose folder is another one
    const { code, stderr } = await asked(['export', STEP_BY_STEP.trialId, 'out']);
    assert.equal(code, 2);
    assert.ok(stderr.includes(`there is no model of it at ${test.plane.address}`), stderr);
  });

  describe('at a port that speaks TLS', () => {
    beforeEach(async () => {
      await test[Symbol.asyncDispose]();
      await certify(home.path);
      test = await TestPlane.start({ home: home.path, alwaysTls: true });
    });

    const far = (env: Record<string, string>) =>
      runDss(['status', '--server', test.plane.publicAddress ?? ''], {
        env: { DSS_HOME: elsewhere.path, DSS_TOKEN_FILE: tokenFile('read'), ...env },
      });

    it('answer whoever trusts its CA', async () => {
      assert.match((await far(tlsVariables(home.path))).stdout, /^methods /m);
    });

    it('say what is missing to whoever names none', async () => {
      const { code, stderr } = await far({});
      assert.equal(code, 75);
      assert.ok(stderr.includes(`no control plane answers at ${test.plane.publicAddress}`), stderr);
      assert.match(stderr, /A port that it serves to other machines needs DSS_TLS_CA/);
    });

    it('say that the CA is another one', async () => {
      await certify(elsewhere.path);
      const { code, stderr } = await far(tlsVariables(elsewhere.path));
      assert.equal(code, 2);
      assert.match(stderr, /its certificate is not of the CA that is named here/);
    });

    it('say that a port speaks no TLS', async () => {
      const { port } = splitAddress(test.plane.address);
      const { code, stderr } = await runDss(['status', '--server', `localhost:${port}`], {
        env: { DSS_HOME: elsewhere.path, DSS_TOKEN_FILE: tokenFile('read'), ...tlsVariables(home.path) },
      });
      assert.equal(code, 2);
      assert.match(stderr, /it does not speak TLS there/);
    });
  });

  describe('dss sweep', () => {
    let words: readonly string[];
    const env = (role: Role) => ({ DSS_HOME: elsewhere.path, DSS_DATASETS: DATASETS, DSS_TOKEN_FILE: tokenFile(role) });
    const sweep = (...more: readonly string[]) => startDss([...words, ...more], { env: env('submit') });
    beforeEach(async () => {
      await test.client.cancel('methods');
      const file = writeTinySweep(elsewhere.path, { methods: ['standard'] });
      words = ['sweep', file, '--server', test.plane.address];
    });

    it('hands its trials over in the name of whoever holds the token, watches, and ends with their table', async () => {
      void test.worker().runAll();
      const { code, stdout, stderr } = await sweep().finished;
      assert.equal(code, 0, stderr);
      assert.ok(stderr.includes(`handed to the control plane of ${hostname()}, ${test.plane.address}`), stderr);
      assert.match(stdout, /^tiny: 2 requested → 2 distinct → 0 already done → 2 to run$/m);
      assert.match(stdout, /2 of 2 trials done/);
      const record = await test.client.sweep('tiny');
      assert.deepEqual([record?.counts.succeeded, record?.standing.owner], [2, 'submit']);
      assert.match((await asked(['status', 'tiny'])).stdout, /of submit$/m);

      const again = await sweep().finished;
      assert.match(again.stdout, /2 already done → 0 to run\n.*2 of 2 trials done/s);
    });

    it('leaves at once with --detach, and on Ctrl-C, and says how to come back', async () => {
      const detached = await sweep('--detach').finished;
      assert.equal(detached.code, 0, detached.stderr);
      const there = `--server ${test.plane.address}\``;
      assert.ok(detached.stderr.includes(`\`dss watch tiny ${there} watches it`), detached.stderr);
      assert.equal((await test.client.sweep('tiny'))?.counts.queued, 2);

      await test.worker().next('assign');
      const watching = sweep();
      await watching.lineOnStderr((line) => line.includes('start '));
      watching.process.kill('SIGINT');
      const { code, stderr } = await watching.finished;
      assert.equal(code, 130);
      assert.ok(stderr.includes(`\`dss cancel tiny ${there} ends it`), stderr);
      assert.equal((await test.client.sweep('tiny'))?.counts.running, 1);
    });

    it('is planned with what is done there, and warns where no file travels', async () => {
      void test.worker().runAll();
      assert.equal((await sweep().finished).code, 0);
      const planned = await runDss(['plan', ...words.slice(1)], { env: env('read') });
      assert.match(planned.stdout, /2 already done → 0 to run/);
      assert.equal(planned.stderr, '');
      await test[Symbol.asyncDispose]();
      test = await TestPlane.start({ home: home.path, storeListenOn: null });
      const plan = ['plan', words[1] ?? '', '--server', test.plane.address];
      assert.match((await runDss(plan, { env: env('read') })).stderr, /begins at step 0 elsewhere/);
    });

    it('is refused to a token that may only read', async () => {
      const { code, stderr } = await runDss(words, { env: env('read') });
      assert.equal(code, 2);
      assert.match(stderr, /Submit needs role submit; the token of read has read/);
    });
  });

  describe('dss watch', () => {
    const watch = () =>
      startDss(['watch', 'methods', '--server', test.plane.address], {
        env: { DSS_HOME: elsewhere.path, DSS_TOKEN_FILE: tokenFile('read') },
      });

    it('tells what failed before, what happens now, and ends as `dss sweep` does', async () => {
      const worker = test.worker();
      const { lease } = await worker.next('assign');
      const watching = watch();
      await watching.lineOnStderr((line) => line.includes(`start  ${WAITING.trialId.slice(0, 8)}`));
      worker.report({ kind: 'finished', lease, result: resultOf(0.25) });
      const { code, stdout, stderr } = await watching.finished;
      assert.equal(code, 1); // one has failed
      assert.match(stderr, new RegExp(`^${BROKEN.trialId.slice(0, 8)} failed .*NON_FINITE_LOSS: the loss`, 'm'));
      assert.match(stderr, new RegExp(`^\\[4/4\\] done   ${WAITING.trialId.slice(0, 8)} .*: 25\\.00 %`, 'm'));
      assert.match(stdout, /^methods +4 +3 +0 +0 +1 +0 /m);
    });

    it('ends with 0 when every trial has succeeded', async () => {
      await test.client.retry('methods', { onlyFailed: true });
      const watching = watch();
      void test.worker().runAll();
      const { code, stderr } = await watching.finished;
      assert.equal(code, 0, stderr);
    });

    it('leaves on Ctrl-C, says how to come back, and the sweep goes on', async () => {
      const worker = test.worker();
      const { lease } = await worker.next('assign');
      const watching = watch();
      await watching.lineOnStderr((line) => line.includes('start '));
      watching.process.kill('SIGINT');
      const { code, stderr } = await watching.finished;
      assert.equal(code, 130);
      assert.ok(stderr.includes(`\`dss watch methods --server ${test.plane.address}\``), stderr);
      const sequence = worker.report({ kind: 'failed', lease, failure: failureOf('user') });
      await worker.acknowledged(sequence);
      assert.equal((await test.client.sweep('methods'))?.counts.failed, 2);
    });

    it('needs no control plane for a sweep that has ended, and says when none runs one that has not', async () => {
      await test.client.cancel('methods');
      assert.equal((await here('watch', 'methods')).code, 1);
      await test.client.retry('methods', { onlyFailed: false });
      await test[Symbol.asyncDispose]();
      const { code, stderr } = await here('watch', 'methods');
      assert.equal(code, 75);
      assert.match(stderr, /no control plane runs sweep "methods", which is not finished/);
    });
  });
});
