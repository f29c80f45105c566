import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { authPaths } from '../../orchestrator/auth/auth-folder.js';
import type { WatchEvent } from '../../orchestrator/core/watch-event.js';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { COMMAND, REPOSITORY, runDss, temporaryFolder } from '../support/dss.js';
import { hidden } from '../support/hidden-folder.js';
import { LineProcess } from '../support/lines.js';
import { type Machine, Namespaces } from '../support/namespaces.js';
import { skip } from '../support/skip.js';
import { DATASETS, historyOf, writeTinySweep } from '../support/tiny-sweep.js';

const LEASE_S = 4;
const PORT = 7333;
const MODELS = join(REPOSITORY, 'sweeps/models');
const NODE = [process.execPath, '--import', import.meta.resolve('tsx')];

interface Told {
  readonly atMs: number;
  readonly event: WatchEvent;
}

describe('dss serve with workers on two other machines, by TLS and with no folder in common', () => {
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

  const serve = async (): Promise<void> => {
    const listen = `${net.addressOf('plane')}:${PORT}`;
    const plane = start('plane', [...COMMAND, 'serve', '--home', home, '--listen', listen, '--lease', String(LEASE_S)]);
    assert.match(await plane.next(), new RegExp(`at ${listen}`));
  };

  /** It knows the address, the certificate of the CA and the token of its pool, and sees no folder of the others. */
  const addWorker = (machine: 'worker' | 'other', joinToken: string): void => {
    const own = join(folder.path, machine);
    mkdirSync(own);
    const ca = join(own, 'ca.pem');
    copyFileSync(authPaths(home).ca.certificate, ca);
    const server = `${net.addressOf('plane')}:${PORT}`;
    const blindfold = hidden([home, DATASETS, MODELS]);
    assert.notDeepEqual(blindfold, [], 'nothing is hidden from it');
    const command = [...blindfold, ...COMMAND];
    start(machine, [...command, 'worker', '--server', server, '--name', machine, '--threads', '1'], {
      DSS_HOME: own,
      DSS_WORKER_CACHE: join(own, 'cache'),
      HOME: own,
      DSS_TLS_CA: ca,
      DSS_JOIN_TOKEN: joinToken,
    });
  };

  const cuts = {
    'that nothing reaches, and nothing comes from': (on: boolean) => {
      net[on ? 'cutTo' : 'healTo']('worker');
      net[on ? 'cutFrom' : 'healFrom']('worker');
    },
    'whose words arrive nowhere': (on: boolean) => net[on ? 'cutFrom' : 'healFrom']('worker'),
  };
  for (const [what, cut] of Object.entries(cuts)) {
    it(`ends every trial once, though for two leases there is a machine ${what}`, async () => {
      await dss('auth', 'init', '--host', net.addressOf('plane'));
      const joinToken = await dss('auth', 'pool', 'create', 'lab');
      await serve();
      addWorker('worker', joinToken);
      addWorker('other', joinToken);
      const seeds = Array.from({ length: 12 }, (_, seed) => seed);
      const train = { eval_steps: 100, checkpoint_steps: 50 };
      const file = writeTinySweep(folder.path, { methods: ['standard'], seeds, maxSteps: 200, train });
      const submitting = start('plane', [...COMMAND, 'sweep', file, '--home', home, '--detach']);
      await submitting.ended;
      const watching = start('plane', [...NODE, join(REPOSITORY, 'test/support/watch-by-lines.ts'), home, 'tiny']);
      const told = async (accepts: (told: Told) => boolean): Promise<Told> =>
        JSON.parse(await watching.next((line) => accepts(JSON.parse(line) as Told))) as Told;

      const { event } = await told(
        ({ event }) =>
          event.kind === 'worker' &&
          event.worker.workerId === 'worker' &&
          event.worker.running.some(({ step }) => step > 0),
      );
      const cutOff = event.kind === 'worker' ? (event.worker.running[0]?.trialId ?? '') : '';
      cut(true);
      const cutAtMs = performance.timeOrigin + performance.now();
      const again = await told(
        ({ event }) => event.kind === 'trial' && event.trial.trialId === cutOff && event.trial.attempt === 2,
      );
      assert.equal(again.event.kind === 'trial' && again.event.trial.workerId, 'other');
      assert.ok(again.atMs - cutAtMs > (LEASE_S * 1000) / 2, 'lent to another before the lease was over');
      await told(({ atMs }) => atMs > cutAtMs + 2 * LEASE_S * 1000);
      cut(false);
      const back = await told(({ event }) => event.kind === 'trial' && event.trial.workerId === 'worker');
      const next = back.event.kind === 'trial' ? back.event.trial.trialId : '';
      await told(
        ({ event }) => event.kind === 'trial' && event.trial.trialId === next && event.trial.state === 'succeeded',
      );
      await told(({ event }) => event.kind === 'summary' && event.summary.counts.succeeded === seeds.length);

      assert.deepEqual(checkDatabase(home)?.findings.map(describeFinding), []);
      const history = historyOf(home);
      assert.deepEqual(
        [...history.values()].map(({ succeeded }) => succeeded),
        seeds.map(() => 1),
      );
      assert.equal(history.get(cutOff)?.begun, 2);
      for (const machine of ['worker', 'other']) {
        assert.notDeepEqual(readdirSync(join(folder.path, machine, 'cache')), [], `nothing came to ${machine}`);
      }
    });
  }
});
