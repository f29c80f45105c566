import assert from 'node:assert/strict';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { LeaseRef } from '../../orchestrator/core/domain.js';
import type { Report } from '../../orchestrator/core/worker-message.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { openJournalReader } from '../../orchestrator/journal/sqlite/sqlite-reader.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { Log } from '../support/log.js';
import { partOf } from '../support/parts.js';
import { failureOf, resultOf, trialIdOf, trialsOf } from '../support/trials.js';

describe('the token of an attempt', () => {
  it('grows, and cannot be told from the ones before', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(20), { retryFailed: false });
    const worker = test.worker({ slots: 20 });
    const tokens: bigint[] = [];
    for (let each = 0; each < 20; each += 1) tokens.push((await worker.next('assign')).lease.token);
    assert.deepEqual(
      tokens,
      tokens.toSorted((a, b) => (a < b ? -1 : 1)),
    );
    assert.equal(new Set(tokens.map((token) => token & 0x7fffffffn)).size, 20);
  });

  it('stays exact where a number of JavaScript would not', () => {
    using folder = temporaryFolder();
    const leased = (): LeaseRef => {
      const journal = openJournal(folder.path);
      const { lease } = journal.transaction(() => journal.begin(trialIdOf(2), 'w', 2, 0x7fffffff));
      assert.equal(journal.running()[0]?.token, lease.token);
      assert.equal([...journal.standings('a')][1]?.token, lease.token);
      assert.equal(journal.transaction(() => journal.checkpoint(lease, 1, 'x', 3)).outcome, 'accepted');
      const near = { ...lease, token: lease.token - 1n };
      assert.equal(journal.transaction(() => journal.checkpoint(near, 1, 'x', 3)).outcome, 'stale');
      const cancelled = journal.transaction(() => journal.cancel(trialIdOf(2), 4));
      assert.deepEqual(cancelled.outcome === 'accepted' && cancelled.event, {
        kind: 'cancelled',
        trialId: trialIdOf(2),
        lease,
      });
      journal.close();
      return lease;
    };
    const journal = openJournal(folder.path);
    journal.transaction(() => journal.submit(partOf('a', [1, 2]), 1));
    journal.close();
    const db = new Database(join(folder.path, 'journal.db'));
    db.prepare("UPDATE counters SET value = 4294967294 WHERE name = 'token'").run();
    db.close();
    assert.equal(leased().token, 2n ** 63n - 1n);
  });

  const REPORTS: readonly ((lease: LeaseRef) => Report)[] = [
    (lease) => ({ kind: 'metrics', lease, training: [{ step: 1, loss: 1 }], evaluations: [] }),
    (lease) => ({ kind: 'checkpoint', lease, step: 1, path: 'stolen' }),
    (lease) => ({ kind: 'log', lease, lines: [{ unixMs: 1, stream: 'stdout', text: 'stolen' }], dropped: 0 }),
    (lease) => ({ kind: 'failed', lease, failure: failureOf('user') }),
    (lease) => ({ kind: 'finished', lease, result: resultOf(1) }),
  ];
  for (const reportOf of REPORTS) {
    const { kind } = reportOf({ trialId: '', attempt: 1, token: 0n });
    it(`is good for the worker that it was lent to alone: a "${kind}" of another is refused`, async () => {
      await using test = await TestPlane.start();
      await test.client.submit('a', trialsOf(1), { retryFailed: false });
      const holder = test.worker({ workerId: 'holder' });
      const { lease } = await holder.next('assign');
      const thief = test.worker({ workerId: 'thief' });
      await thief.next('welcome');
      await thief.acknowledged(thief.report(reportOf(lease)));
      assert.deepEqual((await thief.next('stale')).lease, lease);
      const done = holder.report({ kind: 'finished', lease, result: resultOf(0.5) });
      await holder.acknowledged(done);
      assert.equal(holder.unread.filter((each) => each.kind === 'stale').length, 0);
      const journal = openJournalReader(test.home);
      assert.equal(journal?.trial(lease.trialId)?.result?.testAccuracy, 0.5);
      assert.deepEqual(journal?.measurements(lease.trialId).training, []);
      journal?.close();
    });
  }

  it('is not renewed for another worker, nor taken over by one that says that it runs it', async () => {
    await using test = await TestPlane.start();
    await test.client.submit('a', trialsOf(1), { retryFailed: false });
    const holder = test.worker({ workerId: 'holder' });
    const { lease } = await holder.next('assign');
    const thief = test.worker({ workerId: 'thief', running: [lease] });
    assert.deepEqual((await thief.next('stale')).lease, lease);
    thief.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await thief.next('renewed')).leases, []);
    holder.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await holder.next('renewed')).leases, [lease]);
  });

  it('may be tried out a hundred times in a row, and no more on one stream', async () => {
    const log = new Log();
    await using test = await TestPlane.start({ logger: log.logger });
    await test.client.submit('a', trialsOf(2), { retryFailed: false });
    const holder = test.worker({ workerId: 'holder' });
    const { lease } = await holder.next('assign');
    const guesser = test.worker({ workerId: 'guesser' });
    const own = await guesser.next('assign');
    const guess = (times: number) => {
      for (let each = 1; each <= times; each += 1) {
        const guessed = { ...lease, token: lease.token + BigInt(each) };
        guesser.report({ kind: 'finished', lease: guessed, result: resultOf(1) });
      }
    };
    for (const step of [1, 2]) {
      guess(99);
      await guesser.acknowledged(guesser.report({ kind: 'checkpoint', lease: own.lease, step, path: 'x' }));
    }
    guess(100);
    assert.match(await guesser.ended, /100 stale leases in a row/);
    assert.match(log.text, /"workerId":"guesser".*100 stale leases in a row.*worker disconnected/);
    await holder.acknowledged(holder.report({ kind: 'finished', lease, result: resultOf(0.5) }));
  });
});
