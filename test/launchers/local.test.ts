import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failure } from '../../orchestrator/core/domain.js';
import type { SweepError } from '../../orchestrator/core/errors.js';
import type { Launcher } from '../../orchestrator/launchers/launcher.js';
import { createLocalLauncher } from '../../orchestrator/launchers/local.js';
import { silent } from '../support/control-planes.js';
import { REPOSITORY, temporaryFolder } from '../support/dss.js';
import { childrenOf, commandLineOf, isAlive } from '../support/processes.js';

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

describe('the local launcher', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let launcher: Launcher;
  let exits: Told<{ workerId: string; failure: Failure }>;
  let givenUp: Told<SweepError>;

  /** Runs the stand-in for an agent with Node, where Python would run the agent. */
  function open(does: 'live' | 'die', workers: 'auto' | number = 'auto', python = join(folder.path, 'python')): void {
    const script = join(REPOSITORY, 'test/support/fake-agent.mjs');
    writeFileSync(join(folder.path, 'python'), fakePython(script, does));
    chmodSync(join(folder.path, 'python'), 0o700);
    launcher = createLocalLauncher({
      python,
      pythonPath: '/package',
      logger: silent,
      restartDelayMs: () => 0,
      machine: () => Promise.resolve({ cores: 4, memoryBytes: 2 ** 40, gpus: 0 }),
    });
    launcher.open({
      address: '127.0.0.1:9',
      joinToken: 'secret',
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

  /** The agents that run, by worker id. */
  const agents = () => {
    const found = new Map<string, number>();
    for (const pid of childrenOf(process.pid)) {
      const words = commandLineOf(pid);
      const workerId = words[words.indexOf('--worker-id') + 1];
      if (words.includes('--worker-id') && workerId !== undefined) found.set(workerId, pid);
    }
    return found;
  };

  const logOf = (workerId: string) => {
    try {
      return readFileSync(join(folder.path, 'logs', 'workers', `${workerId}.log`), 'utf8');
    } catch {
      return '';
    }
  };

  /** The agent's log once it has said that something runs below it. */
  const running = async (workerId: string): Promise<{ said: string; below: number }> => {
    for (;;) {
      const said = logOf(workerId);
      const below = /^below (\d+)$/m.exec(said)?.[1];
      if (below !== undefined) return { said, below: Number(below) };
      await new Promise(setImmediate);
    }
  };

  it('starts as many workers as there are trials and cores, and never fewer later', async () => {
    open('live');
    await launcher.want(2);
    assert.deepEqual([...agents().keys()].sort(), ['local-1', 'local-2']);
    await launcher.want(1);
    await launcher.want(100);
    assert.deepEqual([...agents().keys()].sort(), ['local-1', 'local-2', 'local-3', 'local-4']);
  });

  it('starts none when none was asked for', async () => {
    open('live', 0);
    await launcher.want(5);
    assert.equal(agents().size, 0);
  });

  it('tells a worker where to go, and its token where no other user can see it', async () => {
    open('live', 2);
    await launcher.want(5);
    const { said } = await running('local-2');
    assert.deepEqual(JSON.parse(said.split('\n')[0] ?? ''), {
      args: [
        ...['-P', '-m', 'dss_worker', 'agent', '--server', '127.0.0.1:9'],
        ...['--worker-id', 'local-2', '--threads', '2', '--device', 'cpu'],
      ],
      token: 'secret',
      path: '/package',
      tokenCache: join(folder.path, 'cache', 'tokens'),
    });
    for (const pid of agents().values()) assert.ok(!commandLineOf(pid).join(' ').includes('secret'));
  });

  it('ends every worker with all that runs below it', async () => {
    open('live', 2);
    await launcher.want(2);
    const below = [(await running('local-1')).below, (await running('local-2')).below];
    const pids = [...agents().values()];
    await launcher.close();
    for (const pid of pids) assert.ok(!isAlive(pid));
    while (below.some(isAlive)) await new Promise(setImmediate);
  });

  it('starts another worker, under another name, for one that was killed, and says what happened', async () => {
    open('live', 1);
    await launcher.want(1);
    await running('local-1');
    process.kill(agents().get('local-1') ?? 0, 'SIGKILL');
    const { workerId, failure } = await exits.next();
    assert.equal(workerId, 'local-1');
    assert.equal(failure.kind, 'lost');
    assert.equal(failure.message, 'worker local-1 was ended by signal 9 (SIGKILL)');
    await running('local-1-2');
  });

  it('starts none in its place once it is draining', async () => {
    open('live', 1);
    await launcher.want(1);
    await running('local-1');
    launcher.drain();
    process.kill(agents().get('local-1') ?? 0, 'SIGKILL');
    await exits.next();
    await new Promise(setImmediate);
    assert.equal(agents().size, 0);
  });

  it('gives up on a worker that dies five times in a row, with its last words', async () => {
    open('die', 1);
    await launcher.want(1);
    const error = await givenUp.next();
    assert.equal(error.code, 'WORKERS_FAILED');
    assert.match(error.message, /worker local-1-5 ended with exit code 3, 5 times in a row; it said:/);
    assert.match(error.message, /ImportError: no module named torch/);
    assert.match(error.hint, /logs\/workers\/local-1-5\.log/);
  }).timeout(20_000);

  it('gives up on a Python that cannot be started', async () => {
    open('live', 1, '/nowhere/python');
    await launcher.want(1);
    assert.match((await givenUp.next()).message, /could not be started: .*ENOENT/);
  });
});

describe('the local launcher with a worker package that does not answer', () => {
  it('says so instead of guessing what there is to run on', async () => {
    const launcher = createLocalLauncher({ python: process.execPath, pythonPath: '/nowhere', logger: silent });
    launcher.open({
      address: '127.0.0.1:9',
      joinToken: 'secret',
      home: '/nowhere',
      workers: 'auto',
      onExit: () => {},
      onGiveUp: () => {},
    });
    await assert.rejects(launcher.want(1), { code: 'WORKERS_FAILED', message: /devices --json did not say/ });
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
