import assert from 'node:assert/strict';
import { crossingInterval } from '../../../orchestrator/core/statistics/crossing-interval.js';
import { normalQuantile } from '../../../orchestrator/core/statistics/normal.js';
import { type RandomSource, seededRandom } from '../../../orchestrator/core/statistics/random.js';

const SHARES = [0.125, 0.25, 0.5, 1];

/** Accuracy grows by 8 points with each doubling; the goal is the truth half-way between two shares. */
const truth = (share: number) => 0.6 + 0.08 * Math.log2(share);
const GOAL = truth(Math.sqrt(0.125));
const GOAL_SHARE = Math.sqrt(0.125);

function normal(random: RandomSource): number {
  return normalQuantile(Math.min(Math.max(random.unit(), 1e-9), 1 - 1e-9));
}

function draw(n: number, random: RandomSource) {
  const seeds = Array.from({ length: n }, () => 0.01 * normal(random));
  const value = (mean: number, seed: number) => mean + (seeds[seed] ?? 0) + 0.02 * normal(random);
  const all = (mean: number) => Array.from({ length: n }, (_, seed) => value(mean, seed));
  return { curve: SHARES.map((share) => ({ share, accuracies: all(truth(share)) })), goal: all(GOAL) };
}

describe('an interval for where a curve crosses', () => {
  for (const [n, least, most] of [
    [5, 0.92, 0.98],
    [10, 0.92, 0.98],
  ] as const) {
    it(`holds the place about as often as it says, with ${n} seeds`, () => {
      const random = seededRandom(20 + n);
      let held = 0;
      const rounds = 1_000;
      for (let round = 0; round < rounds; round += 1) {
        const { curve, goal } = draw(n, random);
        const interval = crossingInterval(curve, goal, random, { resamples: 400 });
        assert.ok(interval);
        const [low, high] = [interval.low ?? 0, interval.high ?? Infinity];
        if (low <= GOAL_SHARE && GOAL_SHARE <= high) held += 1;
      }
      console.info(`      holds it in ${((100 * held) / rounds).toFixed(1)} %`);
      assert.ok(held / rounds >= least && held / rounds <= most, `${held / rounds}`);
    });
  }

  it('is a place where all seeds are alike', () => {
    const curve = SHARES.map((share) => ({ share, accuracies: Array<number>(5).fill(truth(share)) }));
    const interval = crossingInterval(curve, Array<number>(5).fill(GOAL), seededRandom(1));
    assert.ok(interval?.low && interval.high);
    assert.ok(Math.abs(interval.low - GOAL_SHARE) < 1e-9 && Math.abs(interval.high - GOAL_SHARE) < 1e-9);
  });

  it('ends where shares that were tried end', () => {
    const flat = SHARES.map((share) => ({ share, accuracies: [0.5, 0.52, 0.48, 0.51, 0.49] }));
    const of = (goal: number) =>
      crossingInterval(
        flat,
        [0.01, -0.01, 0.02, -0.02, 0].map((each) => goal + each),
        seededRandom(1),
      );
    assert.deepEqual(of(0.5), { low: null, high: null });
    assert.deepEqual(of(0.9), { low: Infinity, high: null });
  });

  it('is none with three seeds, which can be drawn in ten ways', () => {
    assert.equal(crossingInterval([{ share: 1, accuracies: [1, 1, 1] }], [1, 1, 1], seededRandom(1)), null);
  });
});
