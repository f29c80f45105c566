import assert from 'node:assert/strict';
import { limitReached, msToLimit, type Used } from '../../../orchestrator/core/schedule/budget.js';
import { type Budget, NO_BUDGET } from '../../../orchestrator/core/sweep/sweep-options.js';

const HOUR_MS = 3_600_000;
const used = (changes: Partial<Used> = {}): Used => ({ wallMs: 0, deviceMs: 0, failedTrials: 0, ...changes });
const budget = (changes: Partial<Budget>): Budget => ({ ...NO_BUDGET, ...changes });

describe('a budget', () => {
  it('without limits is never used up', () => {
    assert.equal(limitReached(NO_BUDGET, used({ wallMs: 1e15, deviceMs: 1e15, failedTrials: 1e6 })), null);
    assert.equal(msToLimit(NO_BUDGET, used(), 8, true), null);
  });

  const limits: readonly (readonly [Partial<Budget>, Partial<Used>, Partial<Used>, string])[] = [
    [
      { wallHours: 1.5 },
      { wallMs: 1.5 * HOUR_MS - 1 },
      { wallMs: 1.5 * HOUR_MS },
      'its budget of 1.5 hours of wall time is used up',
    ],
    [
      { deviceHours: 1 },
      { deviceMs: HOUR_MS - 1, wallMs: 9 * HOUR_MS },
      { deviceMs: HOUR_MS },
      'its budget of 1 device hour is used up',
    ],
    [{ failedTrials: 1 }, {}, { failedTrials: 1 }, '1 trial has failed, and its budget allows 1'],
    [{ failedTrials: 2 }, { failedTrials: 1 }, { failedTrials: 3 }, '3 trials have failed, and its budget allows 2'],
  ];
  for (const [limit, below, at, words] of limits) {
    it(`of ${JSON.stringify(limit)} is used up at the limit and not before: ${words}`, () => {
      assert.equal(limitReached(budget(limit), used(below)), null);
      assert.equal(limitReached(budget(limit), used(at)), words);
    });
  }

  it('of wall time runs by itself from the first trial on', () => {
    const hours = budget({ wallHours: 2 });
    assert.equal(msToLimit(hours, used(), 0, false), null);
    assert.equal(msToLimit(hours, used({ wallMs: HOUR_MS }), 0, true), HOUR_MS);
    assert.equal(msToLimit(hours, used({ wallMs: 3 * HOUR_MS }), 0, true), 0);
  });

  it('of device time runs as fast as devices are busy', () => {
    const hours = budget({ deviceHours: 4 });
    assert.equal(msToLimit(hours, used(), 0, true), null);
    assert.equal(msToLimit(hours, used({ deviceMs: HOUR_MS }), 3, true), HOUR_MS);
  });

  it('of failed trials is not used up by time', () => {
    assert.equal(msToLimit(budget({ failedTrials: 1 }), used(), 3, true), null);
  });

  it('wakes for whichever limit comes first', () => {
    assert.equal(msToLimit(budget({ wallHours: 2, deviceHours: 4 }), used(), 4, true), HOUR_MS);
    assert.equal(msToLimit(budget({ wallHours: 2, deviceHours: 4 }), used(), 1, true), 2 * HOUR_MS);
  });
});
