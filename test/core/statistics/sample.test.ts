import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sampleOf } from '../../../orchestrator/core/statistics/sample.js';

describe('a sample', () => {
  it('has neither mean nor spread without values', () =>
    assert.deepEqual(sampleOf([]), { n: 0, mean: null, sd: null }));

  it('has no spread with one value', () => assert.deepEqual(sampleOf([0.25]), { n: 1, mean: 0.25, sd: null }));

  // statistics.stdev of Python gives the same: 2.138089935299395.
  it('divides by n − 1', () => {
    const { n, mean, sd } = sampleOf([2, 4, 4, 4, 5, 5, 7, 9]);
    assert.deepEqual([n, mean], [8, 5]);
    assert.ok(Math.abs((sd ?? 0) - 2.138089935299395) < 1e-15);
  });

  it('keeps its spread when all values move by the same', () => {
    const accuracies = fc.array(
      fc.integer({ min: 0, max: 400 }).map((right) => right / 400),
      { minLength: 2, maxLength: 20 },
    );
    fc.assert(
      fc.property(accuracies, (values) => {
        const moved = values.map((value) => value + 1_000);
        assert.ok(Math.abs((sampleOf(values).sd ?? 0) - (sampleOf(moved).sd ?? 0)) < 1e-9);
      }),
    );
  });
});
