import assert from 'node:assert/strict';
import type { LeaseRef, RunOptions, Trial } from '../../orchestrator/core/domain.js';
import type { Hello } from '../../orchestrator/core/worker-message.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { TestPlane } from '../support/control-planes.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import type { ScriptedWorker } from '../support/scripted-worker.js';
import { failureOf, resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const LEASE_MS = 30_000;
const NORMAL = { retryFailed: false };

/** On all the machines that it has, unless that is said. */
function needing(run: Partial<RunOptions>, count = 1): readonly Trial[] {
  const minMachines = run.machines ?? 1;
  return trialsOf(count).map((trial) => ({ ...trial, run: { ...trial.run, minMachines, ...run } }));
}

function member(workerId: string): Partial<Hello> {
  return { workerId, host: workerId, address: `${workerId}.lan`, rendezvousPort: 29_500 };
}

function recordOf(home: string, number: number) {
  const journal = openJournalReader(home);
  const record = journal?.trial(trialIdOf(number)) ?? null;
  journal?.close();
  return record;
}

describe('a gang', () => {
  let clock: ManualClock;
  const start = () => TestPlane.start({ clock, random: fixedRandom });
  /** Two workers that run trial 1 together. */
  const begin = async (test: TestPlane, run: Partial<RunOptions> = {}) => {
    const first = test.worker(member('a'));
    await first.next('welcome');
    const other = test.worker(member('b'));
    await other.next('welcome');
    await test.client.submit('s', needing({ machines: 2, ...run }), NORMAL);
    const { lease } = await first.next('assign');
    await other.next('assign');
    return { first, other, lease };
  };
  const isRefused = ({ unread }: ScriptedWorker) => unread.some(({ kind }) => kind === 'stale');

  beforeEach(() => {
    clock = new ManualClock();
  });

  it('has one lease, and each of its workers is told where it stands in it and whom to meet', async () => {
    await using test = await start();
    const workers = [test.worker(member('a'))];
    await workers[0]?.next('welcome');
    workers.push(test.worker(member('b')));
    await workers[1]?.next('welcome');
    await test.client.submit('s', needing({ machines: 2 }), NORMAL);
    const assigned = await Promise.all(workers.map((each) => each.next('assign')));
    assert.deepEqual(assigned[0]?.lease, assigned[1]?.lease);
    assert.deepEqual(
      assigned.map(({ gang }) => gang),
      [0, 1].map((rank) => ({ rank, size: 2, address: 'a.lan', port: 29_500 })),
    );
  });

  it('ends for all of them when the first says that it has succeeded', async () => {
    await using test = await start();
    const { first, other, lease } = await begin(test);
    await first.acknowledged(first.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    assert.deepEqual((await other.next('cancel')).lease, lease);
    assert.equal(recordOf(test.home, 1)?.state, 'succeeded');
  });

  it('is shown to watchers on each of its workers, as far as the first says, and on none once it has ended', async () => {
    await using test = await start();
    const { first, other, lease } = await begin(test);
    const watching = test.watched('s');
    const progress = { step: 7, loss: 1, examplesPerSecond: 3, phase: 'train' };
    first.say({ kind: 'progress', lease, progress });
    other.say({ kind: 'renew', leases: [lease] });
    await other.next('renewed');
    const { workers } = await test.client.info();
    const running = [{ trialId: trialIdOf(1), maxSteps: 100, ...progress }];
    assert.deepEqual(
      workers.map((worker) => [worker.workerId, worker.running]),
      [
        ['a', running],
        ['b', running],
      ],
    );
    await first.acknowledged(first.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    const told = (await watching).flatMap((event) => (event.kind === 'worker' ? [event.worker] : []));
    for (const name of ['a', 'b']) {
      const own = told.filter(({ workerId }) => workerId === name).map((worker) => worker.running[0]?.step ?? null);
      assert.deepEqual(own.slice(-2), [7, null], name);
    }
  });

  it('hears nothing of the attempt from the others, and refuses them nothing', async () => {
    await using test = await start();
    const { other, lease } = await begin(test);
    await other.acknowledged(other.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    other.say({ kind: 'progress', lease, progress: { step: 1, loss: 1, examplesPerSecond: 1, phase: 'train' } });
    other.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await other.next('renewed')).leases, [lease]);
    assert.ok(!isRefused(other));
    assert.equal(recordOf(test.home, 1)?.state, 'running');
  });

  it('fails as a whole when one of them does, and begins again one lease later, when nobody can be at it', async () => {
    await using test = await start();
    const { first, other, lease } = await begin(test);
    await other.acknowledged(other.report({ kind: 'failed', lease, failure: failureOf('lost', 'CHILD_KILLED') }));
    assert.deepEqual((await first.next('cancel')).lease, lease);
    assert.equal(recordOf(test.home, 1)?.state, 'queued');
    clock.advance(LEASE_MS - 1);
    first.say({ kind: 'renew', leases: [] });
    await first.next('renewed');
    assert.ok(!first.unread.some(({ kind }) => kind === 'assign'));
    clock.advance(1);
    const [again] = await Promise.all([first.next('assign'), other.next('assign')]);
    assert.equal(again.lease.attempt, 2);
  });

  /** The other one is not heard of any more: one lease later the attempt is over, and after another nobody is at it. */
  const lose = async (first: ScriptedWorker, other: ScriptedWorker, lease: LeaseRef) => {
    other.cut();
    clock.advance(LEASE_MS - 1);
    first.say({ kind: 'renew', leases: [lease] });
    await first.next('renewed');
    clock.advance(1);
    await first.next('cancel');
    clock.advance(LEASE_MS - 1);
    first.say({ kind: 'renew', leases: [] });
    await first.next('renewed');
    assert.ok(!first.unread.some(({ kind }) => kind === 'assign'));
    clock.advance(1);
  };

  it('goes on with the one that is left of it where it may, which has it alone', async () => {
    await using test = await start();
    const { first, other, lease } = await begin(test, { minMachines: 1 });
    await lose(first, other, lease);
    const again = await first.next('assign');
    assert.deepEqual([again.lease.attempt, again.gang], [2, undefined]);
    const { notices } = await test.client.info();
    assert.deepEqual(
      notices.map(({ code }) => code),
      ['FEWER_MACHINES'],
    );
    await first.acknowledged(first.report({ kind: 'finished', lease: again.lease, result: resultOf(0.5) }));
    assert.equal(recordOf(test.home, 1)?.state, 'succeeded');
  });

  it('still has as few as it had when the control plane is started again', async () => {
    await using test = await start();
    const { first, other, lease } = await begin(test, { minMachines: 1 });
    await lose(first, other, lease);
    assert.equal((await first.next('assign')).lease.attempt, 2);
    await test.plane.stop();
    await using next = await TestPlane.start({ clock, random: fixedRandom, home: test.home });
    await next.client.submit('s', needing({ machines: 2, minMachines: 1 }), NORMAL);
    const left = next.worker(member('a'));
    await left.next('welcome');
    // Others may be on their way back for as long as a lease.
    clock.advance(LEASE_MS - 1);
    left.say({ kind: 'renew', leases: [] });
    await left.next('renewed');
    assert.ok(!left.unread.some(({ kind }) => kind === 'assign'));
    clock.advance(1);
    const again = await left.next('assign');
    assert.deepEqual([again.lease.attempt, again.gang], [3, undefined]);
    await left.acknowledged(left.report({ kind: 'finished', lease: again.lease, result: resultOf(0.5) }));
    assert.equal(recordOf(test.home, 1)?.state, 'succeeded');
  });

  it('waits for another where it may not, and has it when that comes', async () => {
    await using test = await start();
    const { first, other, lease } = await begin(test);
    await lose(first, other, lease);
    first.say({ kind: 'renew', leases: [] });
    await first.next('renewed');
    assert.ok(!first.unread.some(({ kind }) => kind === 'assign'));
    const third = test.worker(member('c'));
    const [again] = await Promise.all([first.next('assign'), third.next('assign')]);
    assert.deepEqual([again.lease.attempt, again.gang?.size], [2, 2]);
  });

  it('loses its lease when one of them does not renew it, whoever does', async () => {
    await using test = await start();
    const { first, other, lease } = await begin(test);
    clock.advance(LEASE_MS - 1);
    first.say({ kind: 'renew', leases: [lease] });
    await first.next('renewed');
    clock.advance(1);
    assert.deepEqual((await first.next('cancel')).lease, lease);
    assert.deepEqual((await other.next('stale')).lease, lease);
    assert.match(recordOf(test.home, 1)?.failure?.message ?? '', /^worker b was not heard of in time/);
  });

  it('goes back at no cost when one of them never got it', async () => {
    await using test = await start();
    const { first, lease } = await begin(test);
    const again = test.worker({ ...member('b'), running: [] });
    await again.next('welcome');
    assert.deepEqual((await first.next('cancel')).lease, lease);
    assert.equal(recordOf(test.home, 1)?.state, 'queued');
  });
});

describe('a worker with several devices', () => {
  it('is told which of them an attempt has', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('s', needing({ devices: 2 }, 2), NORMAL);
    const device = { kind: 'cuda' as const, name: 'a card', memoryBytes: 2 ** 34, threads: 1 };
    const worker = test.worker({ slots: 4, devices: [device, device, device, device] });
    const places = [await worker.next('assign'), await worker.next('assign')].map(({ devices }) => devices);
    assert.deepEqual(places, [
      [0, 1],
      [2, 3],
    ]);
  });
});
