import assert from 'node:assert/strict';
import { describeFinding } from '../../orchestrator/journal/check-history.js';
import { checkDatabase } from '../../orchestrator/journal/sqlite/check-database.js';
import { openJournal } from '../../orchestrator/journal/sqlite/sqlite-journal.js';
import { TestPlane } from '../support/control-planes.js';
import { temporaryFolder } from '../support/dss.js';
import { fixedRandom, ManualClock } from '../support/manual-clock.js';
import { partOf } from '../support/parts.js';
import { ScriptedLauncher } from '../support/scripted-launcher.js';
import { failureOf, resultOf, trialIdOf, trialsOf } from '../support/trials.js';

const LEASE_MS = 30_000;
const HOUR_MS = 3_600_000;

/** Its wall time can be set, as people and NTP do. */
class SettableClock extends ManualClock {
  #offsetMs = 0;

  override unixMs(): number {
    return super.unixMs() + this.#offsetMs;
  }

  setBy(ms: number): void {
    this.#offsetMs += ms;
  }
}

describe('a clock that is set while trials run', () => {
  for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
    it(`by ${jumpMs / HOUR_MS} h ends no lease early, and none late`, async () => {
      const clock = new SettableClock();
      await using test = await TestPlane.start({ clock, random: fixedRandom });
      await test.client.submit('a', trialsOf(1), { retryFailed: false });
      const worker = test.worker({ workerId: 'first' });
      const { lease } = await worker.next('assign');
      clock.setBy(jumpMs);
      clock.advance(LEASE_MS - 1);
      worker.say({ kind: 'renew', leases: [lease] });
      assert.deepEqual((await worker.next('renewed')).leases, [lease]);
      const other = test.worker({ workerId: 'other' });
      await other.next('welcome');
      clock.advance(LEASE_MS);
      assert.equal((await other.next('assign')).lease.attempt, 2);
    });

    it(`by ${jumpMs / HOUR_MS} h changes neither the pause before another attempt nor what is stored`, async () => {
      const clock = new SettableClock();
      await using test = await TestPlane.start({ clock, random: fixedRandom });
      await test.client.submit('a', trialsOf(1), { retryFailed: false });
      const watching = test.watched('a');
      const worker = test.worker();
      const { lease } = await worker.next('assign');
      await worker.acknowledged(worker.report({ kind: 'failed', lease, failure: failureOf('infrastructure') }));
      clock.setBy(jumpMs);
      clock.advance(1_499);
      worker.say({ kind: 'renew', leases: [] });
      await worker.next('renewed');
      assert.ok(!worker.unread.some(({ kind }) => kind === 'assign'));
      clock.advance(1);
      const again = (await worker.next('assign')).lease;
      worker.report({ kind: 'finished', lease: again, result: resultOf(0.5) });
      await watching;
      assert.deepEqual(checkDatabase(test.home)?.findings.map(describeFinding), []);
    });
  }

  it('before a control plane starts again leaves what runs one whole lease', async () => {
    using folder = temporaryFolder();
    const journal = openJournal(folder.path);
    const { lease } = journal.transaction(() => {
      journal.submit(partOf('a', [1]), 1);
      return journal.begin(trialIdOf(1), 'w', 2);
    });
    journal.close(); // and nothing else: as a kill leaves it
    const clock = new SettableClock();
    clock.setBy(-HOUR_MS);
    const launchers = [new ScriptedLauncher({ workersSurvive: true })];
    await using second = await TestPlane.start({ home: folder.path, launchers, clock, random: fixedRandom });
    await second.client.submit('a', trialsOf(1), { retryFailed: false });
    clock.advance(LEASE_MS - 1);
    const worker = second.worker({ workerId: 'w', running: [lease] });
    await worker.next('welcome');
    worker.say({ kind: 'renew', leases: [lease] });
    assert.deepEqual((await worker.next('renewed')).leases, [lease]);
  });
});
