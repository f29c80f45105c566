import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import type { WatchEvent } from '../../orchestrator/core/watch-event.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { COMMAND, REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { hidden } from '../support/hidden-folder.js';
import { LineProcess } from '../support/lines.js';
import { type Machine, Namespaces } from '../support/namespaces.js';
import { skip } from '../support/skip.js';
import { DATASETS, historyOf, writeTinySweep } from '../support/tiny-sweep.js';

const LEASE_S = 4;
const PORT = 7334;
const MODELS = join(REPOSITORY, 'sweeps/models');
const NODE = [process.execPath, '--import', import.meta.resolve('tsx')];
const MAX_STEPS = 300;

describe('one trial over two machines of a network, by TLS and with no folder in common', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let home: string;
  let net: Namespaces;
  let processes: LineProcess[];

  beforeEach(function () {
    folder = temporaryFolder();
    home = join(folder.path, 'home');
    processes = [];
    net = Namespaces.create() ?? skip(this, 'network namespaces need root and `ip` on Linux');
  });

  afterEach(async () => {
    await Promise.all(processes.map((each) => each.kill()));
    net?.[Symbol.dispose]();
    folder[Symbol.dispose]();
  });

  const start = (machine: Machine, command: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const started = new LineProcess([...net.on(machine), ...command], { DSS_DATASETS: DATASETS, ...env });
    processes.push(started);
    return started;
  };

  const dss = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runDss(args, { env: { DSS_HOME: home } });
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };

  /** It knows the address, the CA's certificate and the token of its pool, and sees no folder of the others. */
  const addWorker = (machine: 'worker' | 'other', joinToken: string): void => {
    const own = join(folder.path, machine);
    mkdirSync(own);
    const ca = join(own, 'ca.pem');
    copyFileSync(authPaths(home).ca.certificate, ca);
    const command = [...hidden([home, DATASETS, MODELS]), ...COMMAND, 'worker', '--name', machine, '--threads', '1'];
    start(machine, [...command, '--server', `${net.addressOf('plane')}:${PORT}`], {
      DSS_HOME: own,
      DSS_WORKER_CACHE: join(own, 'cache'),
      HOME: own,
      DSS_TLS_CA: ca,
      DSS_JOIN_TOKEN: joinToken,
    });
  };

  it('goes on from the checkpoint in the store when one of them was lost for a lease and is back', async () => {
    await dss('auth', 'init', '--host', net.addressOf('plane'));
    const joinToken = await dss('auth', 'pool', 'create', 'lab');
    const listen = `${net.addressOf('plane')}:${PORT}`;
    const plane = start('plane', [...COMMAND, 'serve', '--home', home, '--listen', listen, '--lease', String(LEASE_S)]);
    assert.match(await plane.next(), new RegExp(`at ${listen}`));
    addWorker('worker', joinToken);
    addWorker('other', joinToken);
    const train = { machines: 2, eval_steps: MAX_STEPS / 2, checkpoint_steps: 20, dropout: 0 };
    const file = writeTinySweep(folder.path, { methods: ['task_prefix'], seeds: [0], maxSteps: MAX_STEPS, train });
    await start('plane', [...COMMAND, 'sweep', file, '--home', home, '--detach']).ended;
    const watching = start('plane', [...NODE, join(REPOSITORY, 'test/support/watch-by-lines.ts'), home, 'tiny']);
    const told = async (accepts: (event: WatchEvent) => boolean): Promise<number> => {
      const line = await watching.next((each) => accepts((JSON.parse(each) as { event: WatchEvent }).event));
      return (JSON.parse(line) as { atMs: number }).atMs;
    };

    await told((event) => event.kind === 'worker' && event.worker.running.some(({ step }) => step > 60));
    net.cutTo('worker');
    net.cutFrom('worker');
    await told((event) => event.kind === 'trial' && event.trial.state === 'queued' && event.trial.attempt > 0);
    net.healTo('worker');
    net.healFrom('worker');
    await told((event) => event.kind === 'summary' && event.summary.counts.succeeded === 1);

    const [[trialId, { begun, succeeded }] = ['', { begun: 0, succeeded: 0 }]] = historyOf(home);
    assert.equal(succeeded, 1);
    assert.ok(begun >= 2, `begun ${begun} times`);
    const journal = openJournal(home);
    try {
      const { result } = journal.trial(trialId) ?? {};
      assert.equal(result?.environment['processes'], '2');
      assert.ok((result?.resumedStep ?? 0) >= 20, `resumed at ${result?.resumedStep}`);
    } finally {
      journal.close();
    }
  });
});
