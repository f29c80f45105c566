import assert from 'node:assert/strict';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { failureOf, resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const LEASE_MS = 30_000;
const NORMAL = { retryFailed: false };

describe('an attempt', () => {
  let clock: ManualClock;
  const start = (home?: string) =>
    TestPlane.start({ clock, random: fixedRandom, ...(home === undefined ? {} : { home }) });

  beforeEach(() => {
    clock = new ManualClock();
  });

  const recordOf = (home: string, number: number) => {
    const journal = openJournalReader(home);
    const record = journal?.trial(trialIdOf(number)) ?? null;
    journal?.close();
    return record;
  };

  it('goes to another worker when its lease runs out; the first one is refused from then on', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const watching = test.watched('a');
    const slow = test.worker({ workerId: 'slow' });
    const old = (await slow.next('assign')).lease;
    const quick = test.worker({ workerId: 'quick' });
    await quick.next('welcome');
    clock.advance(LEASE_MS);
    const { lease } = await quick.next('assign');
    assert.equal(lease.attempt, 2);
    assert.ok(lease.token > old.token);
    assert.deepEqual((await slow.next('stale')).lease, old);

    const sequence = slow.report({ kind: 'finished', lease: old, result: resultOf(0.9) });
    assert.deepEqual((await slow.next('stale')).lease, old);
    await slow.acknowledged(sequence);
    quick.report({ kind: 'finished', lease, result: resultOf(0.1) });
    await watching;
    assert.equal(recordOf(test.home, 1)?.result?.testAccuracy, 0.1);
    assert.equal(recordOf(test.home, 1)?.attempts, 2);
  });

  it('stays with a worker that renews', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    for (let round = 0; round < 5; round += 1) {
      clock.advance(LEASE_MS - 1);
      worker.say({ kind: 'renew', leases: [lease] });
      assert.deepEqual((await worker.next('renewed')).leases, [lease]);
    }
    assert.equal(recordOf(test.home, 1)?.state, 'running');
  });

  it('is not lost because the control plane itself stood still', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    clock.jump(10 * LEASE_MS);
    worker.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await worker.next('renewed')).leases, [lease]);
  });

  it('is not given to a worker that was silent until that one speaks again', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    clock.advance(LEASE_MS);
    await worker.next('stale');
    assert.equal(recordOf(test.home, 1)?.state, 'queued');
    worker.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await worker.next('renewed')).leases, []);
    assert.equal((await worker.next('assign')).lease.attempt, 2);
  });

  it('is finished once, however often that is reported', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    const finished = { kind: 'finished' as const, lease, result: resultOf(0.5) };
    const sequence = worker.report(finished);
    await worker.acknowledged(sequence);
    worker.report(finished, sequence);
    await worker.acknowledged(sequence);
    await worker.acknowledged(worker.report(finished));
    assert.deepEqual(
      worker.unread.filter(({ kind }) => kind === 'stale'),
      [],
    );
    const again = worker.report({ ...finished, result: resultOf(0.6) });
    await worker.next('stale');
    await worker.acknowledged(again);
    assert.equal(recordOf(test.home, 1)?.result?.testAccuracy, 0.5);
  });

  it('goes on over a broken stream, and a report that was not acknowledged is sent again', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const watching = test.watched('a');
    const before = test.worker();
    const { lease } = await before.next('assign');
    before.cut();
    await before.ended;
    const stale: LeaseRef = { ...lease, token: 99n };
    const after = test.worker({ running: [lease, stale] });
    assert.deepEqual((await after.next('stale')).lease, stale);
    await after.acknowledged(after.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    await watching;
    assert.equal(recordOf(test.home, 1)?.attempts, 1);
  });

  it('is lost when its worker comes back as another process', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    await test.worker({ pid: 1, instanceId: 'first' }).next('assign');
    // Which may have the id of the one before, in another container for one.
    const again = test.worker({ pid: 1, instanceId: 'second' });
    assert.equal((await again.next('assign')).lease.attempt, 2);
    assert.equal(recordOf(test.home, 1)?.failure?.code, 'WORKER_EXITED');
  });

  it('that never arrived at its worker is given back at no cost when that comes back', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const before = test.worker({ slots: 2 });
    const arrived = (await before.next('assign')).lease;
    await before.next('assign');
    before.cut();
    await before.ended;
    const after = test.worker({ slots: 2, running: [arrived] });
    const { lease } = await after.next('assign');
    assert.deepEqual([lease.trialId, lease.attempt], [trialIdOf(2), 2]);
    assert.equal(recordOf(test.home, 2)?.failure, null);
    after.say({ kind: 'renew', leases: [arrived, lease] });
    assert.deepEqual((await after.next('renewed')).leases, [arrived, lease]);
  });

  it('that fails of the infrastructure is followed by another after a pause, three in all', async () => {
    await using test = await start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const watching = test.watched('a');
    const worker = test.worker();
    for (const pauseMs of [1_500, 2_500]) {
      const { lease } = await worker.next('assign');
      await worker.acknowledged(worker.report({ kind: 'failed', lease, failure: failureOf('infrastructure') }));
      clock.advance(pauseMs - 1);
      worker.say({ kind: 'renew', leases: [] });
      await worker.next('renewed');
      assert.ok(!worker.unread.some(({ kind }) => kind === 'assign'), 'the pause is over too early');
      clock.advance(1);
    }
    const { lease } = await worker.next('assign');
    assert.equal(lease.attempt, 3);
    worker.report({ kind: 'failed', lease, failure: failureOf('infrastructure') });
    await watching;
    assert.equal(recordOf(test.home, 1)?.state, 'failed');
  });

  it('is queued again at no cost when the control plane stops', async () => {
    await using first = await start();
    await first.client.submit('a', trialsOf(1), NORMAL);
    const { lease } = await first.worker().next('assign');
    await first.plane.stop();
    assert.equal(recordOf(first.home, 1)?.state, 'queued');
    await using second = await start(first.home);
    await second.client.submit('a', trialsOf(1), NORMAL);
    const again = (await second.worker().next('assign')).lease;
    assert.equal(again.attempt, 2);
    assert.ok(again.token > lease.token);
    assert.equal(recordOf(first.home, 1)?.failure, null);
  });

  it('of a control plane that was killed is queued again by the next one, and refused if it reports', async () => {
    using folder = temporaryFolder();
    const journal = openJournal(folder.path);
    const old = journal.transaction(() => {
      journal.submit(partOf('a', [1]), 1);
      return journal.begin(trialIdOf(1), 'scripted-1', 2).lease;
    });
    journal.close(); // and nothing else: as a kill leaves it
    await using test = await start(folder.path);
    assert.equal(recordOf(folder.path, 1)?.state, 'queued');
    const worker = test.worker({ running: [old] });
    assert.deepEqual((await worker.next('stale')).lease, old);
    worker.report({ kind: 'finished', lease: old, result: resultOf(1) });
    assert.deepEqual((await worker.next('stale')).lease, old);
    await test.client.submit('a', trialsOf(1), NORMAL);
    assert.equal((await worker.next('assign')).lease.attempt, 2);
  });
});

describe('a drain', () => {
  it('waits for what runs, lends nothing more, and takes back without cost what the worker gives up', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(4), NORMAL);
    const worker = test.worker({ slots: 3 });
    const leases = [await worker.next('assign'), await worker.next('assign'), await worker.next('assign')];
    const [first, second] = leases.map(({ lease }) => lease) as [LeaseRef, LeaseRef];
    const drained = test.plane.drain(60_000);
    assert.equal((await worker.next('drain')).graceMs, 60_000);
    worker.report({ kind: 'finished', lease: first, result: resultOf(0.5) });
    worker.report({ kind: 'failed', lease: second, failure: failureOf('lost', 'CHILD_KILLED') });
    await worker.acknowledged(worker.report({ kind: 'drained' }));
    await drained;
    assert.ok(!worker.unread.some(({ kind }) => kind === 'assign'));
    const late = test.worker({ workerId: 'late' });
    await late.next('drain');
    const journal = openJournalReader(test.home);
    assert.deepEqual(
      [...(journal?.trials('a') ?? [])].map(({ state, failure }) => [state, failure]),
      [
        ['succeeded', null],
        ['queued', null],
        ['queued', null],
        ['queued', null],
      ],
    );
    journal?.close();
  });

  it('of one worker alone, told to end by somebody else, gives what it ran to another at no cost', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    const ending = test.worker({ workerId: 'ending' });
    const { lease } = await ending.next('assign');
    await ending.acknowledged(ending.report({ kind: 'drained' }));
    assert.ok(!ending.unread.some(({ kind }) => kind === 'assign'));
    const again = (await test.worker({ workerId: 'other' }).next('assign')).lease;
    assert.deepEqual([again.trialId, again.attempt], [lease.trialId, 2]);
    const journal = openJournalReader(test.home);
    assert.equal(journal?.trial(lease.trialId)?.failure, null);
    journal?.close();
  });

  it('ends with its grace when a worker does not', async () => {
    const clock = new ManualClock();
    await using test = await TestPlane.start({ clock });
    await test.client.submit('a', trialsOf(1), NORMAL);
    const worker = test.worker();
    await worker.next('assign');
    const drained = test.plane.drain(1_000);
    await worker.next('drain');
    clock.advance(3_000);
    await drained;
  });
});
