import assert from 'node:assert/strict';
import { ControlLoop } from '../../orchestrator/control/control-loop.js';
import { LogStore } from '../../orchestrator/control/log-store.js';
import { ENGINE_VERSION, type LeaseRef } from '../../orchestrator/core/domain.js';
import type { Hello, ToWorker } from '../../orchestrator/core/worker-message.js';
import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { silent } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { resultOf, trialIdOf } from '../support/trials.js';

/**
 * After a pause of the control plane's own process, what a worker said last and the greeting of the process that took
 * its place are read one after the other, before anything is written.
 */
describe('a worker whose last words and next life come within one turn', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let journal: MemoryJournal;
  let loop: ControlLoop;
  let lent: LeaseRef[];

  beforeEach(() => {
    folder = temporaryFolder();
    journal = new MemoryJournal();
    lent = [];
    loop = new ControlLoop({
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
  });

  afterEach(() => folder[Symbol.dispose]());

  const live = (instanceId: string, running: readonly LeaseRef[] = []) => {
    const about = { workerId: 'w', engineVersion: ENGINE_VERSION, host: 'h', pid: 1, devices: [], versions: {} };
    const hello: Hello = { ...about, instanceId, running, slots: 1, prefetch: 0 };
    const send = (message: ToWorker) => {
      if (message.kind === 'assign') lent.push(message.lease);
    };
    loop.join(hello, { send, end: () => {} });
  };

  it('numbers its reports anew, and none of them is taken for an old one', async () => {
    loop.submit(partOf('a', [1, 2]));
    live('first');
    await turn();
    const [first] = lent;
    assert.ok(first !== undefined);
    loop.report('w', 7n, { kind: 'finished', lease: first, result: resultOf(0.5) });
    live('second');
    await turn();
    const [, second] = lent;
    assert.ok(second !== undefined);
    loop.report('w', 1n, { kind: 'finished', lease: second, result: resultOf(0.25) });
    await turn();
    assert.equal(journal.trial(trialIdOf(1))?.result?.testAccuracy, 0.5);
    assert.equal(journal.trial(trialIdOf(2))?.result?.testAccuracy, 0.25);
  });

  it('is lent something, though its last life said that it was drained', async () => {
    live('first');
    await turn();
    loop.report('w', 1n, { kind: 'drained' });
    live('second');
    await turn();
    loop.submit(partOf('a', [1]));
    await turn();
    assert.deepEqual(
      lent.map(({ trialId }) => trialId),
      [trialIdOf(1)],
    );
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
