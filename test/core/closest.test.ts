import assert from 'node:assert/strict';
import { closest } from '../../orchestrator/core/closest.js';

describe('"did you mean"', () => {
  const cases: readonly [string, string | null][] = [
    ['wrokers', 'workers'],
    ['max-steps', 'max_steps'],
    ['Workers', 'workers'],
    ['jsno', 'json'],
    ['w'.repeat(1_000_000), null],
    ['jason', 'json'],
    ['j', null],
    ['frobnicate', null],
  ];
  for (const [word, meant] of cases) {
    it(`answers ${meant ?? 'nothing'} for ${word.slice(0, 20)}`, () => {
      assert.equal(closest(word, ['workers', 'max_steps', 'json', 'grace']), meant);
    });
  }
});
