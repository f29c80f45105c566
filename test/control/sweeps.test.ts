import assert from 'node:assert/strict';
import type { Client } from '../../orchestrator/control/client.js';
import { DEFAULT_SWEEP_OPTIONS, NO_BUDGET, type SweepOptions } from '../../orchestrator/core/sweep/sweep-options.js';
import type { SweepSummary, WatchEvent } from '../../orchestrator/core/watch-event.js';
import type { SweepRecord } from '../../orchestrator/journal/journal.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { TestPlane } from '../support/control-planes.js';
import { ManualClock } from '../support/manual-clock.js';
import type { ScriptedWorker } from '../support/scripted-worker.js';
import { failureOf, resultOf, trialOf, trialsOf } from '../support/trials.js';

const NORMAL = { retryFailed: false };
const HOUR_MS = 3_600_000;
/** Long enough that hours may pass without a renewal. */
const LEASE_MS = 1_000 * HOUR_MS;

function withBudget(budget: Partial<SweepOptions['budget']>): { retryFailed: boolean; options: SweepOptions } {
  return { ...NORMAL, options: { ...DEFAULT_SWEEP_OPTIONS, budget: { ...NO_BUDGET, ...budget } } };
}

function recordOf({ home }: TestPlane, sweep: string): SweepRecord {
  const journal = openJournalReader(home);
  const record = journal?.sweep(sweep) ?? null;
  journal?.close();
  assert.ok(record !== null);
  return record;
}

function lastSummary(events: readonly WatchEvent[]): SweepSummary {
  const last = events.at(-1);
  assert.ok(last?.kind === 'summary');
  return last.summary;
}

const numberOf = (assign: { readonly trial: { readonly trialId: string } }) => Number(`0x${assign.trial.trialId}`);

/** Ends the next assignment; gives its number once that is durable and the plane has lent what it would. */
async function runNext(worker: ScriptedWorker, how: 'finish' | 'fail' = 'finish'): Promise<number> {
  const assign = await worker.next('assign');
  const { lease } = assign;
  await worker.acknowledged(
    worker.report(
      how === 'finish'
        ? { kind: 'finished', lease, result: resultOf(0.5) }
        : { kind: 'failed', lease, failure: failureOf('user') },
    ),
  );
  return numberOf(assign);
}

/** A round trip on the worker's own stream: whatever was lent before would be here by now. */
async function assertNothingLent(client: Client, worker: ScriptedWorker): Promise<void> {
  await client.list();
  worker.say({ kind: 'renew', leases: [] });
  await worker.next('renewed');
  assert.deepEqual(
    worker.unread.filter(({ kind }) => kind === 'assign'),
    [],
  );
}

describe('a sweep that changes', () => {
  it('is refused with the difference, and nothing of it is queued', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(3), NORMAL);
    const worker = test.worker();
    await runNext(worker, 'fail');
    await assert.rejects(test.client.submit('a', trialsOf(3, 2), { retryFailed: true }), {
      code: 'SWEEP_CHANGED',
      message: 'sweep "a" has other trials: 1 is new (seed 4), 1 is gone (seed 1)',
      hint: '--extend adds them to it; or give the sweep another name',
    });
    assert.deepEqual(recordOf(test, 'a').counts, { queued: 1, running: 1, succeeded: 0, failed: 1, cancelled: 0 });
  });

  it('is extended by what is new, whatever has become of the rest', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(3), NORMAL);
    const worker = test.worker();
    assert.deepEqual([await runNext(worker), await runNext(worker, 'fail')], [1, 2]);
    const running = await worker.next('assign');
    const counts = await test.client.submit('a', trialsOf(4, 2), { ...NORMAL, extend: true });
    assert.deepEqual(counts, { done: 1, toRun: 3, failed: 1 });
    worker.report({ kind: 'finished', lease: running.lease, result: resultOf(0.5) });
    assert.deepEqual([numberOf(running), await runNext(worker), await runNext(worker)], [3, 4, 5]);
    assert.deepEqual(lastSummary(await test.watched('a')).counts.succeeded, 4);
  });

  it('is run again where it is done, and its former results stay in the record', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    const worker = test.worker();
    await runNext(worker);
    await runNext(worker);
    assert.equal((await test.client.submit('a', trialsOf(2), { ...NORMAL, rerun: true })).toRun, 2);
    assert.deepEqual([await runNext(worker), await runNext(worker)], [1, 2]);
    assert.equal(recordOf(test, 'a').counts.succeeded, 2);
  });
});

describe('a sweep that is paused', () => {
  it('is lent nothing more, while what runs goes on and its watchers hear of that', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(3), NORMAL);
    const watching = test.watched('a');
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    await test.client.pause('a');
    await test.client.pause('a'); // again is nothing new
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    await assertNothingLent(test.client, worker);
    const events = await watching;
    assert.deepEqual(lastSummary(events).counts, { queued: 2, running: 0, succeeded: 1, failed: 0, cancelled: 0 });
    assert.ok(events.some((each) => each.kind === 'trial' && each.trial.state === 'succeeded'));
    const { state, reason } = recordOf(test, 'a').standing;
    assert.deepEqual([state, reason], ['paused', 'by hand']);
    assert.equal(lastSummary(await test.watched('a')).counts.queued, 2);
  });

  it('goes on when it is resumed, or submitted', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(3), NORMAL);
    await test.client.pause('a');
    const worker = test.worker();
    await assertNothingLent(test.client, worker);
    await test.client.resume('a');
    assert.equal(await runNext(worker), 1);
    await test.client.pause('a');
    await test.client.submit('a', trialsOf(3), NORMAL);
    assert.equal(await runNext(worker), 2);
    assert.equal(recordOf(test, 'a').standing.state, 'active');
  });

  it('does not hold back a trial that another sweep wants', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', [trialOf(1), trialOf(2)], NORMAL);
    await test.client.submit('b', [trialOf(2)], NORMAL);
    await test.client.pause('a');
    const worker = test.worker();
    assert.equal(await runNext(worker), 2);
    await assertNothingLent(test.client, worker);
    assert.deepEqual(recordOf(test, 'a').counts, { queued: 1, running: 0, succeeded: 1, failed: 0, cancelled: 0 });
  });

  it('keeps what it shares with one that is cancelled', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', [trialOf(1), trialOf(2)], NORMAL);
    await test.client.submit('b', [trialOf(2), trialOf(3)], NORMAL);
    await test.client.pause('a');
    assert.equal(await test.client.cancel('b'), 1);
    assert.equal(recordOf(test, 'b').standing.state, 'cancelled');
    await test.client.resume('a');
    const worker = test.worker();
    assert.deepEqual([await runNext(worker), await runNext(worker)], [1, 2]);
  });
});

describe('a sweep that is retried', () => {
  it('runs what failed again and, unless told otherwise, what was cancelled', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(4), NORMAL);
    const worker = test.worker();
    assert.deepEqual([await runNext(worker), await runNext(worker, 'fail')], [1, 2]);
    const { lease } = await worker.next('assign');
    assert.equal(await test.client.cancel('a'), 2);
    await worker.next('cancel');
    assert.equal(await test.client.retry('a', { onlyFailed: true }), 1);
    assert.equal(recordOf(test, 'a').standing.state, 'active');
    assert.equal(await runNext(worker), 2);
    await assertNothingLent(test.client, worker);
    assert.equal(await test.client.retry('a', { onlyFailed: false }), 2);
    assert.deepEqual([await runNext(worker), await runNext(worker)], [3, 4]);
    worker.report({ kind: 'finished', lease, result: resultOf(1) });
    await worker.next('stale');
    assert.equal(await test.client.retry('a', { onlyFailed: false }), 0);
  });

  it('goes on being paused, or cancelled, where there is nothing to queue', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(2), NORMAL);
    await test.client.pause('a');
    assert.equal(await test.client.retry('a', { onlyFailed: false }), 0);
    assert.equal(recordOf(test, 'a').standing.state, 'paused');
    await assertNothingLent(test.client, test.worker());
    await test.client.cancel('a');
    assert.equal(await test.client.retry('a', { onlyFailed: true }), 0);
    assert.equal(recordOf(test, 'a').standing.state, 'cancelled');
  });

  it('begins its budget anew only if it was not active', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(4), withBudget({ failedTrials: 2 }));
    const worker = test.worker();
    await runNext(worker, 'fail');
    assert.equal(await test.client.retry('a', { onlyFailed: true }), 1);
    await runNext(worker, 'fail');
    assert.equal(recordOf(test, 'a').standing.state, 'paused');
    assert.equal(await test.client.retry('a', { onlyFailed: true }), 1);
    await runNext(worker, 'fail');
    await runNext(worker);
    assert.equal(recordOf(test, 'a').standing.state, 'active');
  });

  const unknown: readonly (readonly [string, (client: Client) => Promise<unknown>])[] = [
    ['retry', (client) => client.retry('nothing', { onlyFailed: false })],
    ['pause', (client) => client.pause('nothing')],
    ['resume', (client) => client.resume('nothing')],
    ['cancel', (client) => client.cancel('nothing')],
  ];
  for (const [what, ask] of unknown) {
    it(`must be there: ${what}`, async () => {
      await using test = await TestPlane.start();
      await assert.rejects(ask(test.client), { code: 'SWEEP_UNKNOWN', message: 'there is no sweep "nothing"' });
    });
  }

  it('is the way back from a cancelled one, which neither pauses nor resumes', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), NORMAL);
    await test.client.cancel('a');
    for (const ask of [() => test.client.pause('a'), () => test.client.resume('a')]) {
      await assert.rejects(ask, {
        code: 'USAGE',
        message: 'sweep "a" was cancelled',
        hint: '`dss retry a` queues again what was cancelled',
      });
    }
  });
});

describe('the budget of a sweep', () => {
  it('of failed trials pauses it when so many have failed for good, and its watchers hear of the last one', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(5), withBudget({ failedTrials: 2 }));
    const watching = test.watched('a');
    const worker = test.worker();
    assert.deepEqual([await runNext(worker, 'fail'), await runNext(worker), await runNext(worker, 'fail')], [1, 2, 3]);
    await assertNothingLent(test.client, worker);
    const { state, reason } = recordOf(test, 'a').standing;
    assert.deepEqual([state, reason], ['paused', '2 trials have failed, and its budget allows 2']);
    const events = await watching;
    assert.equal(events.filter((each) => each.kind === 'trial' && each.trial.state === 'failed').length, 2);
    assert.equal(lastSummary(events).counts.failed, 2);
    await test.client.resume('a');
    assert.deepEqual([await runNext(worker, 'fail'), await runNext(worker)], [4, 5], 'its count begins anew');
  });

  it('of wall time pauses it by the clock alone, and what runs goes on', async () => {
    const clock = new ManualClock();
    await using test = await TestPlane.start({ clock, leaseMs: LEASE_MS });
    await test.client.submit('a', trialsOf(2), withBudget({ wallHours: 2 }));
    clock.advance(5 * HOUR_MS); // nobody has begun
    const worker = test.worker();
    const { lease } = await worker.next('assign');
    clock.advance(2 * HOUR_MS - 1);
    await assertNothingLent(test.client, worker);
    assert.equal(recordOf(test, 'a').standing.state, 'active');
    clock.advance(1);
    await test.client.list();
    await assertNothingLent(test.client, worker);
    assert.equal(recordOf(test, 'a').standing.reason, 'its budget of 2 hours of wall time is used up');
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    await assertNothingLent(test.client, worker);
    assert.deepEqual(recordOf(test, 'a').counts, { queued: 1, running: 0, succeeded: 1, failed: 0, cancelled: 0 });
  });

  it('of device time is used up twice as fast by two at once', async () => {
    const clock = new ManualClock();
    await using test = await TestPlane.start({ clock, leaseMs: LEASE_MS });
    await test.client.submit('a', trialsOf(4), withBudget({ deviceHours: 3 }));
    const worker = test.worker({ slots: 2 });
    const [one] = [await worker.next('assign'), await worker.next('assign')];
    clock.advance(HOUR_MS); // two of three are used up
    await worker.acknowledged(worker.report({ kind: 'finished', lease: one.lease, result: resultOf(0.5) }));
    await worker.next('assign');
    clock.advance(HOUR_MS / 2 - 1);
    await assertNothingLent(test.client, worker);
    assert.equal(recordOf(test, 'a').standing.state, 'active');
    clock.advance(1);
    await assertNothingLent(test.client, worker);
    assert.equal(recordOf(test, 'a').standing.reason, 'its budget of 3 device hours is used up');
  });

  it('of device time is used up as many times faster as an attempt has devices', async () => {
    const clock = new ManualClock();
    await using first = await TestPlane.start({ clock, leaseMs: LEASE_MS });
    const wide = trialsOf(3).map((trial) => ({ ...trial, run: { ...trial.run, devices: 2 } }));
    await first.client.submit('a', wide, withBudget({ deviceHours: 5 }));
    const device = { kind: 'cuda' as const, name: 'a card', memoryBytes: 2 ** 34, threads: 1 };
    const hello = { slots: 2, devices: [device, device] };
    const worker = first.worker(hello);
    const { lease } = await worker.next('assign');
    clock.advance(HOUR_MS); // two of five are used up
    await worker.acknowledged(worker.report({ kind: 'finished', lease, result: resultOf(0.5) }));
    await worker.next('assign');
    clock.advance(HOUR_MS); // four of five
    await first.plane.stop();
    // What the journal counts is what the control plane counted.
    await using second = await TestPlane.start({ home: first.home, clock, leaseMs: LEASE_MS, serves: true });
    const other = second.worker({ ...hello, workerId: 'other' });
    await other.next('assign');
    clock.advance(HOUR_MS / 2 - 1);
    await assertNothingLent(second.client, other);
    assert.equal(recordOf(second, 'a').standing.state, 'active');
    clock.advance(1);
    await assertNothingLent(second.client, other);
    assert.equal(recordOf(second, 'a').standing.reason, 'its budget of 5 device hours is used up');
  });

  it('does not pause a sweep of which nothing waits', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), withBudget({ failedTrials: 1 }));
    await runNext(test.worker(), 'fail');
    assert.equal(lastSummary(await test.watched('a')).counts.failed, 1);
    assert.equal(recordOf(test, 'a').standing.state, 'active');
  });

  it('goes on being counted after the control plane has ended and another one has taken the sweep up', async () => {
    const clock = new ManualClock();
    await using first = await TestPlane.start({ clock, leaseMs: LEASE_MS });
    await first.client.submit('a', trialsOf(3), withBudget({ deviceHours: 2, failedTrials: 3 }));
    const worker = first.worker();
    const { lease } = await worker.next('assign');
    clock.advance(HOUR_MS);
    await worker.acknowledged(worker.report({ kind: 'failed', lease, failure: failureOf('user') }));
    await worker.next('assign');
    await first.plane.stop();
    await using second = await TestPlane.start({ home: first.home, clock, leaseMs: LEASE_MS, serves: true });
    const other = second.worker({ workerId: 'other' });
    await other.next('assign');
    clock.advance(HOUR_MS - 1);
    await assertNothingLent(second.client, other);
    assert.equal(recordOf(second, 'a').standing.state, 'active');
    clock.advance(1);
    await assertNothingLent(second.client, other);
    assert.equal(recordOf(second, 'a').standing.reason, 'its budget of 2 device hours is used up');
  });
});

describe('a control plane that takes sweeps up', () => {
  it('goes on with those that are active and not finished, in the order of their submission', async () => {
    await using first = await TestPlane.start();
    await first.client.submit('done', [trialOf(1)], NORMAL);
    await runNext(first.worker());
    await first.client.submit('paused', [trialOf(2)], NORMAL);
    await first.client.pause('paused');
    await first.client.submit('cancelled', [trialOf(3)], NORMAL);
    await first.client.cancel('cancelled');
    await first.client.submit('later', [trialOf(4)], NORMAL);
    await first.client.submit('latest', [trialOf(5), trialOf(4)], NORMAL);
    await first.plane.stop();
    await using second = await TestPlane.start({ home: first.home, serves: true });
    const worker = second.worker({ workerId: 'other' });
    assert.deepEqual([await runNext(worker), await runNext(worker)], [4, 5]);
    await assertNothingLent(second.client, worker);
    await second.client.resume('paused');
    assert.equal(await runNext(worker), 2);
  });
});
