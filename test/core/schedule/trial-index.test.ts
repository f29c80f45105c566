import assert from 'node:assert/strict';
import { TrialIndex } from '../../../orchestrator/core/schedule/trial-index.js';

const COUNT = 50_000;

describe('an index of trials', () => {
  const digits = (number: number, length: number) => number.toString(16).padStart(length, '0');
  const ids: readonly (readonly [string, (number: number) => string])[] = [
    ['differ in their last digits only', (number) => `${'a'.repeat(16)}${digits(number, 4)}`],
    ['differ in their first digits only', (number) => `${digits(number, 8)}${'a'.repeat(12)}`],
    ['differ in the middle only', (number) => `${'0'.repeat(8)}${digits(number, 8)}${'0'.repeat(4)}`],
    ['differ in digits that are all multiples of 65,536', (number) => `${digits(number, 4)}${'0'.repeat(16)}`],
    ['count up from 0', (number) => digits(number, 20)],
    ['repeat themselves', (number) => digits(number, 4).repeat(5)],
  ];
  for (const [what, idOf] of ids) {
    it(`finds each soon where ids ${what}`, () => {
      const index = new TrialIndex();
      for (let row = 0; row < COUNT; row += 1) index.add(idOf(row), row);
      assert.ok(index.longestSearch < 100, `${index.longestSearch} slots`);
      for (let row = 0; row < COUNT; row += 997) {
        assert.equal(index.find(idOf(row)), row);
        assert.equal(index.idOf(row), idOf(row));
      }
    });
  }
});
