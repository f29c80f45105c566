import assert from 'node:assert/strict';
import { ControlLoop } from '../../orchestrator/control/control-loop.js';
import { LogStore } from '../../orchestrator/control/log-store.js';
import { ENGINE_VERSION, type LeaseRef } from '../../orchestrator/core/domain.js';
import { SweepError } from '../../orchestrator/core/errors.js';
import type { WatchEvent } from '../../orchestrator/core/watch-event.js';
import type { Hello, ToWorker } from '../../orchestrator/core/worker-message.js';
import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { silent } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { resultOf, trialIdOf } from '../support/trials.js';

/** One control plane ends without a word and another goes on with its journal, under workers that live on. */
describe('a control plane that takes over', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let journal: MemoryJournal;
  const said: ToWorker[] = [];

  beforeEach(() => {
    folder = temporaryFolder();
    journal = new MemoryJournal();
    said.length = 0;
  });
  afterEach(() => folder[Symbol.dispose]());

  const life = () => {
    return new ControlLoop({
      home: folder.path,
      journal,
      logs: new LogStore(folder.path),
      clock: new ManualClock(),
      random: fixedRandom,
      logger: silent,
      leaseMs: 30_000,
      renewEveryMs: 10_000,
      onFatal: (error) => assert.fail(error),
    });
  };
  const SERVES = { serves: true, workersSurvive: true };
  const begun = async () => {
    const loop = life();
    await loop.takeOver(SERVES);
    loop.begin();
    return loop;
  };
  const join = (loop: ControlLoop, running: readonly LeaseRef[] = []) => {
    const about = { workerId: 'w', engineVersion: ENGINE_VERSION, host: 'h', pid: 1, devices: [], versions: {} };
    const hello: Hello = { ...about, instanceId: 'one-life', running, slots: 1, prefetch: 0 };
    loop.join(hello, { send: (message) => said.push(message), end: () => {} });
  };
  const lent = () => said.flatMap((message) => (message.kind === 'assign' ? [message.lease] : []));

  /** Of three trials one runs when the sweep is paused and its control plane goes. */
  const leftPaused = async (): Promise<LeaseRef> => {
    const first = await begun();
    first.submit(partOf('a', [1, 2, 3]));
    join(first);
    await turn();
    const [lease] = lent();
    assert.ok(lease !== undefined);
    first.sweeps.pause('a', 'by hand');
    await turn();
    assert.equal(first.demands()[0]?.running, 1);
    return lease;
  };

  it('asks the place for what still runs of a paused sweep, and no more, until that has ended', async () => {
    const lease = await leftPaused();
    const second = await begun();
    const [demand, ...others] = second.demands();
    assert.deepEqual([demand?.sweep, demand?.running, demand?.waiting, others], ['a', 1, 0, []]);
    join(second, [lease]);
    await turn();
    assert.equal(lent().length, 1, 'what waits of it goes on waiting');
    second.report('w', 1n, { kind: 'finished', lease, result: resultOf(0.5) });
    await turn();
    assert.equal(journal.trial(trialIdOf(1))?.state, 'succeeded');
    assert.deepEqual(second.demands(), []);
  });

  it('tells who watches a paused sweep how what still runs of it ends', async () => {
    const lease = await leftPaused();
    const second = await begun();
    await turn();
    const told: WatchEvent[] = [];
    let ended = false;
    second.watch('a', {
      tell: (event) => told.push(event),
      end: () => {
        ended = true;
      },
      fail: (error) => assert.fail(error),
    });
    join(second, [lease]);
    await turn();
    assert.equal(ended, false);
    second.report('w', 1n, { kind: 'finished', lease, result: resultOf(0.5) });
    await turn();
    assert.ok(told.some((event) => event.kind === 'trial' && event.trial.state === 'succeeded'));
    assert.equal(ended, true);
  });

  it('goes on with it where it was paused once somebody resumes it', async () => {
    const lease = await leftPaused();
    const second = await begun();
    join(second, [lease]);
    assert.equal(second.sweeps.resume('a'), 3);
    assert.deepEqual(
      second.demands().map(({ running, waiting }) => [running, waiting]),
      [[1, 2]],
    );
    second.report('w', 1n, { kind: 'finished', lease, result: resultOf(0.5) });
    await turn();
    assert.deepEqual(
      lent().map(({ trialId }) => trialId),
      [trialIdOf(1), trialIdOf(2)],
    );
  });

  it('lends nothing and writes nothing before its journal is known to be whole', async () => {
    const before = await leftActive();
    let isWhole: () => void = () => {};
    journal.whole = () =>
      new Promise((resolve) => {
        isWhole = resolve;
      });
    const second = life();
    const taking = second.takeOver(SERVES);
    join(second);
    await turn();
    await turn();
    assert.deepEqual([...journal.events()].length, before);
    assert.equal(lent().length, 1);
    isWhole();
    await taking;
    await turn();
    assert.equal(lent().length, 1, 'nor before it is told to begin');
    second.begin();
    await turn();
    assert.equal(lent().length, 2);
  });

  it('says what is wrong with its journal rather than what came of reading it', async () => {
    await leftActive();
    journal.whole = () => Promise.reject(new SweepError('STATE_INVALID', 'page 7 is damaged'));
    journal.unfinished = () => assert.fail('a row that cannot be read');
    await assert.rejects(life().takeOver(SERVES), { code: 'STATE_INVALID', message: 'page 7 is damaged' });
  });

  it('ends with what came of reading it where the journal is whole', async () => {
    await leftActive();
    journal.unfinished = () => {
      throw new Error('nobody thought of that');
    };
    await assert.rejects(life().takeOver(SERVES), /nobody thought of that/);
  });

  /** Gives how many events there are. The worker's attempt was lent by a control plane that is gone. */
  async function leftActive(): Promise<number> {
    const first = await begun();
    first.submit(partOf('a', [1, 2]));
    join(first);
    await turn();
    assert.equal(lent().length, 1);
    return [...journal.events()].length;
  }
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
