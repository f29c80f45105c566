import assert from 'node:assert/strict';
import { ControlLoop } from '../../orchestrator/control/control-loop.js';
import { LogStore } from '../../orchestrator/control/log-store.js';
import type { LeaseRef, Trial } from '../../orchestrator/core/domain.js';
import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { silent } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { helloOf } from '../support/scripted-worker.js';
import { failureOf, resultOf, trialIdOf, trialOf } from '../support/trials.js';

const KILLED = failureOf('lost', 'CHILD_KILLED');

describe('a control plane', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let journal: MemoryJournal;
  let loop: ControlLoop;
  /** What each worker was lent and has not ended. */
  let held: Map<string, LeaseRef[]>;
  let sequence: bigint;

  const start = () => {
    held = new Map();
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
  };

  beforeEach(() => {
    folder = temporaryFolder();
    journal = new MemoryJournal();
    sequence = 0n;
    start();
  });

  afterEach(() => folder[Symbol.dispose]());

  const join = async (workerId: string, host: string, instanceId = 'first') => {
    const leases: LeaseRef[] = [];
    held.set(workerId, leases);
    const link = {
      send: (message: { kind: string; lease?: LeaseRef }) => {
        if (message.kind === 'assign' && message.lease !== undefined) leases.push(message.lease);
      },
      end: () => {},
    };
    loop.join(helloOf({ workerId, host, instanceId }), link);
    await turn();
    return link;
  };
  /** The worker's attempt ends so; gives its number. */
  const end = async (workerId: string, how: 'killed' | 'finished') => {
    const lease = held.get(workerId)?.shift();
    assert.ok(lease !== undefined, `${workerId} was lent nothing`);
    sequence += 1n;
    if (how === 'killed') loop.report(workerId, sequence, { kind: 'failed', lease, failure: KILLED });
    else loop.report(workerId, sequence, { kind: 'finished', lease, result: resultOf(0.5) });
    await turn();
    return Number(`0x${lease.trialId}`);
  };
  const stateOf = (workerId: string) => loop.workers().find((each) => each.workerId === workerId);

  it('fails a trial whose process dies on worker after worker, and says on which', async () => {
    loop.submit(partOf('a', [1]));
    for (const workerId of ['x', 'y', 'z']) {
      const link = await join(workerId, `host of ${workerId}`);
      assert.equal(journal.trial(trialIdOf(1))?.state, 'running');
      const killed = end(workerId, 'killed');
      // Its own report is heard; it is lent nothing more.
      loop.leave(workerId, link);
      await killed;
    }
    const record = journal.trial(trialIdOf(1));
    assert.equal(record?.state, 'failed');
    assert.equal(record?.attempts, 3);
    assert.equal(record?.failure?.code, 'TRIAL_QUARANTINED');
    assert.match(record?.failure?.message ?? '', /on 3 workers \(x, y, z\), at last so: it was lost/);
  });

  it('lends nothing more to a host on which trial after trial dies, until its worker is another process', async () => {
    loop.submit(partOf('a', [], { trials: cellsOf(8) }));
    await join('bad-1', 'bad');
    await join('good-1', 'good');
    assert.deepEqual([await end('bad-1', 'killed'), await end('bad-1', 'killed')], [1, 3]);
    assert.equal(stateOf('bad-1')?.state, 'busy');
    await end('bad-1', 'killed');
    const bad = stateOf('bad-1');
    assert.equal(bad?.state, 'drained');
    assert.equal(bad?.lent, 0);
    assert.match(bad?.reason ?? '', /^3 different trials in a row died, hung or got no memory on host bad/);
    assert.equal(await end('good-1', 'finished'), 2);
    assert.deepEqual(held.get('bad-1'), []);
    await join('bad-1', 'bad', 'second');
    assert.equal(stateOf('bad-1')?.state, 'busy');
    assert.equal(held.get('bad-1')?.length, 1);
  });

  it('goes on with the only host that there is, whatever dies there', async () => {
    loop.submit(partOf('a', [], { trials: cellsOf(4) }));
    await join('only', 'here');
    for (let death = 0; death < 5; death += 1) await end('only', 'killed');
    assert.notEqual(stateOf('only')?.reason, '');
    for (let trial = 0; trial < 4; trial += 1) await end('only', 'finished');
    assert.equal(journal.sweep('a')?.counts.succeeded, 4);
  });

  it('shows what each worker does', async () => {
    loop.submit(partOf('a', [1]));
    const busy = await join('busy', 'here');
    await join('idle', 'there');
    const each = { slots: 1, reason: '', devices: ['a core'], load: null };
    const unheard = { trialId: trialIdOf(1), step: 0, maxSteps: 100, loss: 0, examplesPerSecond: 0, phase: '' };
    assert.deepEqual(loop.workers(), [
      { ...each, workerId: 'busy', host: 'here', lent: 1, state: 'busy', running: [unheard] },
      { ...each, workerId: 'idle', host: 'there', lent: 0, state: 'idle', running: [] },
    ]);
    loop.report('idle', 1n, { kind: 'drained' });
    loop.leave('busy', busy);
    assert.equal(stateOf('busy')?.state, 'gone');
    assert.equal(stateOf('busy')?.lent, 1, 'it may come back to it');
    assert.equal(stateOf('idle')?.state, 'draining');
  });
});

/** All of one seed, so that one may go before the other. */
function cellsOf(count: number): readonly Trial[] {
  return Array.from({ length: count }, (_, index) => trialOf(index + 1, { seed: 0 }));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
