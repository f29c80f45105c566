import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failure } from '../../orchestrator/core/domain.js';
import type { SweepError } from '../../orchestrator/core/errors.js';
import type { Demand } from '../../orchestrator/core/schedule/demand.js';
import { LOCAL } from '../../orchestrator/core/sweep/place.js';
import type { Launcher } from '../../orchestrator/launchers/launcher.js';
import { createLocalLauncher } from '../../orchestrator/launchers/local.js';
import { silent } from '../support/control-planes.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';
import { childrenOf, commandLineOf, isAlive, killProcess } from '../support/processes.js';
import { until } from '../support/until.js';
import { keepsTheContract } from './contract.js';

/** What a launcher tells, in order, to be waited for. */
class Told<T> {
  readonly #all: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  add(value: T): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#all.push(value);
    else next(value);
  }

  next(): Promise<T> {
    const value = this.#all.shift();
    return value === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(value);
  }
}

const CONTEXT = {
  address: '127.0.0.1:9',
  reachable: null,
  joinToken: 'secret',
  grantPool: () => assert.fail('workers here join by their own token'),
  revokePool: () => {},
  onNotice: () => {},
};

function demand(waiting: number): readonly Demand[] {
  return [{ sweep: 'a', place: LOCAL, waiting, running: 0, devices: 1, machines: 1 }];
}

/** The agents that run below this process, by worker id. */
function agents(): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const pid of childrenOf(process.pid)) {
    const words = commandLineOf(pid);
    const workerId = words[words.indexOf('--worker-id') + 1];
    if (words.includes('--worker-id') && workerId !== undefined) found.set(workerId, pid);
  }
  return found;
}

/** Writes a stand-in for an agent, which Node runs where Python would run the agent, and gives its path. */
function writeFakePython(folder: string, does: 'live' | 'die'): string {
  const path = join(folder, 'python');
  writeFileSync(path, fakePython(join(REPOSITORY, 'test/support/fake-agent.mjs'), does));
  chmodSync(path, 0o700);
  return path;
}

const MACHINE = { cores: 4, memoryBytes: 2 ** 40, gpus: 0 };

keepsTheContract(
  'local',
  async () => {
    const folder = temporaryFolder();
    const live = writeFakePython(folder.path, 'live');
    const launcher = (python: string) =>
      createLocalLauncher({
        python,
        pythonPath: '/package',
        logger: silent,
        restartDelayMs: () => 0,
        machine: () => Promise.resolve(MACHINE),
      });
    return {
      launcher: () => launcher(live),
      settings: () => ({}),
      wishes: { workers: 2 },
      processes: agents,
      hopeless: { launcher: () => launcher('/nowhere/python'), settings: {}, words: /could not be started: .*ENOENT/ },
      [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
    };
  },
  { survives: false },
);

describe('the local launcher', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let launcher: Launcher;
  let exits: Told<{ workerId: string; failure: Failure }>;
  let givenUp: Told<SweepError>;

  function open(does: 'live' | 'die', workers: 'auto' | number = 'auto'): void {
    launcher = createLocalLauncher({
      python: writeFakePython(folder.path, does),
      pythonPath: '/package',
      logger: silent,
      restartDelayMs: () => 0,
      machine: () => Promise.resolve(MACHINE),
    });
    launcher.open({
      ...CONTEXT,
      home: folder.path,
      workers,
      onExit: (workerId, failure) => exits.add({ workerId, failure }),
      onGiveUp: (error) => givenUp.add(error),
    });
  }

  beforeEach(() => {
    folder = temporaryFolder();
    exits = new Told();
    givenUp = new Told();
  });

  afterEach(async () => {
    await launcher.close();
    folder[Symbol.dispose]();
  });

  const logOf = (workerId: string) => {
    try {
      return readFileSync(join(folder.path, 'logs', 'workers', `${workerId}.log`), 'utf8');
    } catch {
      return '';
    }
  };

  /** The agent's log once it has said that something runs below it. */
  const running = async (workerId: string): Promise<{ said: string; below: number }> => {
    const below = () => /^below (\d+)$/m.exec(logOf(workerId))?.[1];
    await until(() => below() !== undefined);
    return { said: logOf(workerId), below: Number(below()) };
  };

  it('starts as many workers as there are trials and cores, and never fewer later', async () => {
    open('live');
    await launcher.want(demand(2));
    assert.deepEqual([...agents().keys()].sort(), ['local-1', 'local-2']);
    await launcher.want(demand(1));
    await launcher.want(demand(100));
    assert.deepEqual([...agents().keys()].sort(), ['local-1', 'local-2', 'local-3', 'local-4']);
  });

  it('starts none when none was asked for', async () => {
    open('live', 0);
    await launcher.want(demand(5));
    assert.equal(agents().size, 0);
  });

  it('tells a worker where to go, and its token where no other user can see it', async () => {
    open('live', 2);
    await launcher.want(demand(5));
    const { said } = await running('local-2');
    assert.deepEqual(JSON.parse(said.split('\n')[0] ?? ''), {
      args: [
        ...['-P', '-m', 'dss_worker', 'agent', '--server', '127.0.0.1:9'],
        ...['--worker-id', 'local-2', '--threads', '2', '--device', 'cpu', '--slots', '1'],
      ],
      token: 'secret',
      path: '/package',
      tokenCache: join(folder.path, 'cache', 'tokens'),
    });
    for (const pid of agents().values()) assert.ok(!commandLineOf(pid).join(' ').includes('secret'));
  });

  it('ends every worker with all that runs below it', async () => {
    open('live', 2);
    await launcher.want(demand(2));
    const below = [(await running('local-1')).below, (await running('local-2')).below];
    const pids = [...agents().values()];
    await launcher.close();
    for (const pid of pids) assert.ok(!isAlive(pid));
    await until(() => !below.some(isAlive));
  });

  it('starts another worker, under another name, for one that was killed, and says what happened', async () => {
    open('live', 1);
    await launcher.want(demand(1));
    await running('local-1');
    killProcess(agents().get('local-1'));
    const { workerId, failure } = await exits.next();
    assert.equal(workerId, 'local-1');
    assert.equal(failure.kind, 'lost');
    assert.equal(failure.message, 'worker local-1 was ended by signal 9 (SIGKILL)');
    await running('local-1-2');
  });

  it('gives up on a worker that dies five times in a row, with its last words', async () => {
    open('die', 1);
    await launcher.want(demand(1));
    const error = await givenUp.next();
    assert.equal(error.code, 'WORKERS_FAILED');
    assert.match(error.message, /worker local-1-5 ended with exit code 3, 5 times in a row; it said:/);
    assert.match(error.message, /ImportError: no module named torch/);
    assert.match(error.hint, /logs\/workers\/local-1-5\.log/);
  });
});

describe('the local launcher with a worker package that does not answer', () => {
  it('says so instead of guessing what there is to run on', async () => {
    const launcher = createLocalLauncher({ python: process.execPath, pythonPath: '/nowhere', logger: silent });
    launcher.open({
      ...CONTEXT,
      home: '/nowhere',
      workers: 'auto',
      onExit: () => {},
      onGiveUp: () => {},
    });
    await assert.rejects(launcher.want(demand(1)), { code: 'WORKERS_FAILED', message: /devices --json did not say/ });
  });
});

function fakePython(script: string, does: string): string {
  return [
    `#!${process.execPath}`,
    `process.env.FAKE_AGENT = ${JSON.stringify(does)};`,
    `import(${JSON.stringify(script)});`,
    '',
  ].join('\n');
}
