import assert from 'node:assert/strict';
import { ControlLoop } from '../../orchestrator/control/control-loop.js';
import { LogStore } from '../../orchestrator/control/log-store.js';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import type { WatchEvent } from '../../orchestrator/core/watch-event.js';
import type { ToWorker } from '../../orchestrator/core/worker-message.js';
import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { silent } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { helloOf } from '../support/scripted-worker.js';
import { failureOf, resultOf } from '../support/trials.js';

describe('a control plane that stands down', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: ManualClock;
  let loop: ControlLoop;
  let said: ToWorker[];

  beforeEach(() => {
    folder = temporaryFolder();
    clock = new ManualClock();
    said = [];
    loop = new ControlLoop({
      home: folder.path,
      journal: new MemoryJournal(),
      logs: new LogStore(folder.path),
      clock,
      random: fixedRandom,
      logger: silent,
      leaseMs: 30_000,
      renewEveryMs: 10_000,
      onFatal: (error) => assert.fail(error),
    });
  });
  afterEach(() => {
    loop.stop();
    folder[Symbol.dispose]();
  });

  /** Of two trials one runs. */
  const running = async (): Promise<LeaseRef> => {
    loop.submit(partOf('a', [1, 2]));
    loop.join(helloOf({ workerId: 'w' }), { send: (message) => said.push(message), end: () => {} });
    await turn();
    const [lease] = said.flatMap((message) => (message.kind === 'assign' ? [message.lease] : []));
    assert.ok(lease !== undefined);
    return lease;
  };

  const watched = () => {
    const told: WatchEvent[] = [];
    const watch = { told, isOver: false };
    loop.watch('a', {
      tell: (event) => told.push(event),
      end: () => {
        watch.isOver = true;
      },
      fail: () => {}, // at the end of the test
    });
    told.length = 0;
    return watch;
  };

  /** States of trials, and of sweeps how many run and have failed. */
  const linesOf = (told: readonly WatchEvent[]) =>
    told.flatMap((event) => {
      if (event.kind === 'trial') return [event.trial.state];
      if (event.kind !== 'summary') return [];
      const { running, failed } = event.summary.counts;
      return [`${running} running, ${failed} failed`];
    });

  for (const order of ['before it', 'after it', 'a turn later'] as const) {
    it(`tells who watches a sweep that is paused of the last report, which comes ${order}`, async () => {
      const lease = await running();
      const watch = watched();
      const report = () => loop.report('w', 1n, { kind: 'failed', lease, failure: failureOf('user') });
      if (order === 'before it') report();
      loop.sweeps.pause('a', 'by hand');
      if (order === 'a turn later') await turn();
      if (order !== 'before it') report();
      await turn();
      const told = ['1 running, 0 failed', 'failed', '0 running, 1 failed'];
      assert.deepEqual([linesOf(watch.told), watch.isOver], [told, true]);
    });
  }

  it('knows of a sweep that is paused when the last of it has ended while nobody watched', async () => {
    const lease = await running();
    loop.sweeps.pause('a', 'by hand');
    await turn();
    loop.report('w', 1n, { kind: 'finished', lease, result: resultOf(0.5) });
    await turn();
    assert.equal(watched().isOver, true);
  });

  it('tells nobody that a sweep stands down which goes on in the same turn', async () => {
    await running();
    const watch = watched();
    loop.sweeps.pause('a', 'by hand');
    loop.sweeps.resume('a');
    await turn();
    assert.deepEqual([linesOf(watch.told), watch.isOver], [[], false]);
  });

  it('is drained once, however often that is asked for, and by the least time that was given', async () => {
    await running();
    const ended: string[] = [];
    void loop.drain(60_000).then(() => ended.push('first'));
    void loop.drain(5_000).then(() => ended.push('second'));
    void loop.drain(600_000).then(() => ended.push('third'));
    await turn();
    clock.advance(6_999);
    await turn();
    assert.deepEqual(ended, []);
    clock.advance(1);
    await turn();
    assert.deepEqual(ended, ['first', 'second', 'third']);
  });
});

/** What was observed is written, and what follows from it done. */
async function turn(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
