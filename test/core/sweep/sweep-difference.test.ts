import assert from 'node:assert/strict';
import {
  describeDifference,
  sweepChanged,
  sweepDifference,
} from '../../../orchestrator/core/sweep/sweep-difference.js';
import { trialOf } from '../../support/records.js';

const plain = (count: number) => Array.from({ length: count }, (_, seed) => trialOf({ seed }));

function wordsOf(former: Parameters<typeof sweepDifference>[0], asked: Parameters<typeof sweepDifference>[1]): string {
  const difference = sweepDifference(former, asked);
  assert.ok(difference !== null);
  return describeDifference(difference);
}

describe('the difference between two sweeps of a name', () => {
  it('is none between the same trials, whatever their order', () => {
    assert.equal(sweepDifference(plain(3), plain(3).reverse()), null);
    assert.equal(sweepDifference([], []), null);
  });

  it('names the values that are new', () => {
    assert.equal(wordsOf(plain(2), plain(4)), '2 are new (seed 2 and 3)');
    const models = [...plain(1), trialOf({ model: 'models/large' })];
    assert.equal(wordsOf(plain(1), models), '1 is new (model models/large)');
  });

  it('names the values that are gone', () => {
    assert.equal(wordsOf(plain(4), plain(1)), '3 are gone (seed 1, 2 and 3)');
  });

  it('names both where a value takes the place of another', () => {
    const asked = [trialOf({ lr: 1e-4, alpha: 0.3 })];
    assert.equal(wordsOf(plain(1), asked), '1 is new (alpha 0.3; lr 0.0001), 1 is gone (alpha 0.5; lr 0.00005)');
  });

  it('calls a setting without a value by its word', () => {
    const words = wordsOf([trialOf()], [trialOf(), trialOf({ model_type: 'standard' })]);
    assert.equal(words, '1 is new (model_type standard; llm none; alpha none)');
  });

  it('does not list a hundred seeds', () => {
    assert.equal(wordsOf(plain(1), plain(1_201)), '1,200 are new (seed 1, 2, 3, 4, 5 and 1,195 more)');
  });

  it('says so when the values are the same and what they name is not', () => {
    const other = { ...trialOf(), trialId: 'f'.repeat(20) };
    assert.match(wordsOf([trialOf()], [other]), /^1 is new, 1 is gone; no setting has another value: the files of/);
    const corner = [trialOf({ seed: 0, lr: 1 }), trialOf({ seed: 1, lr: 2 })];
    assert.match(wordsOf(corner, [...corner, trialOf({ seed: 0, lr: 2 })]), /^1 is new; .*are combined otherwise$/);
  });

  it('makes an error with both ways out', () => {
    const error = sweepChanged('a', { added: 1, gone: 0, settings: [] });
    assert.equal(error.code, 'SWEEP_CHANGED');
    assert.match(error.message, /^sweep "a" has other trials: 1 is new/);
    assert.equal(error.hint, '--extend adds them to it; or give the sweep another name');
  });
});
