import assert from 'node:assert/strict';
import { SweepBudgets, type TrialFacts } from '../../orchestrator/control/sweep-budgets.js';
import { trialIdOf } from '../support/trials.js';

const HOUR_MS = 3_600_000;
const FACTS: TrialFacts = { sweepsOf: () => ['a'], devicesOf: () => 2 };

describe('the budget of a sweep', () => {
  let budgets: SweepBudgets;

  const open = (limit: { readonly wallHours?: number; readonly deviceHours?: number }) => {
    const none = { firstLentUnixMs: null, endedMs: 0, running: new Map(), failedTrials: 0 };
    budgets = new SweepBudgets();
    budgets.open('a', { wallHours: null, deviceHours: null, failedTrials: null, ...limit }, none, 0, 0);
    const lease = { trialId: trialIdOf(1), attempt: 1, token: 1n };
    budgets.note({ kind: 'begun', lease, workerId: 'w' }, FACTS, 10);
  };

  for (const [limit, endMs] of [
    [{ wallHours: 1 }, 10 + HOUR_MS],
    [{ deviceHours: 1 }, 10 + HOUR_MS / 2],
  ] as const) {
    it(`of ${JSON.stringify(limit)} that ends while the last look is acted upon calls for the next one at once`, () => {
      open(limit);
      assert.deepEqual(budgets.reached(endMs - 1), []);
      assert.equal(budgets.nextWakeMs(), endMs); // however late it is by now
      assert.equal(budgets.reached(endMs).length, 1);
      assert.equal(budgets.nextWakeMs(), null); // else a timer would ring for ever
    });
  }
});
