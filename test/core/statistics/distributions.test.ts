import assert from 'node:assert/strict';
import fc from 'fast-check';
import jstat from 'jstat';
import { logGamma, regularizedBeta } from '../../../orchestrator/core/statistics/beta.js';
import { binomialCdf, normalCdf, normalQuantile } from '../../../orchestrator/core/statistics/normal.js';
import { poisson } from '../../../orchestrator/core/statistics/poisson.js';
import { seededRandom } from '../../../orchestrator/core/statistics/random.js';
import { tCdf, tCritical, tTwoSided } from '../../../orchestrator/core/statistics/student-t.js';

function near(actual: number, expected: number, relative: number, what = ''): void {
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.max(1e-300, Math.abs(expected)),
    `${what} ${actual} ≠ ${expected}`,
  );
}

const df = fc.integer({ min: 1, max: 200 });
const t = fc.double({ min: -8, max: 8, noNaN: true });

describe('distributions', () => {
  // Student 1908 and every table since: two-sided 5 %.
  const TABLE: readonly (readonly [number, number])[] = [
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [7, 2.365],
    [9, 2.262],
    [19, 2.093],
    [120, 1.98],
  ];

  it('have the critical t of the tables', () => {
    for (const [freedom, critical] of TABLE) assert.equal(Number(tCritical(0.05, freedom).toFixed(3)), critical);
  });

  // jstat's own are good to seven digits or so: at t = 0 it says 0.50000002.
  it('agree with jstat on t', () => {
    fc.assert(
      fc.property(t, df, (value, freedom) => {
        assert.ok(Math.abs(tCdf(value, freedom) - jstat.studentt.cdf(value, freedom)) < 1e-6);
      }),
    );
  });

  it('are those of Cauchy at one degree of freedom', () => {
    fc.assert(fc.property(t, (value) => near(tCdf(value, 1), 0.5 + Math.atan(value) / Math.PI, 1e-12)));
  });

  it('have a critical t that is exceeded as often as was asked for', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 0.9, noNaN: true }), df, (alpha, freedom) =>
        near(tTwoSided(tCritical(alpha, freedom), freedom), alpha, 1e-9),
      ),
    );
  });

  it('agree with jstat on the incomplete beta function', () => {
    const shape = fc.double({ min: 0.5, max: 300, noNaN: true });
    fc.assert(
      fc.property(shape, shape, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, x) => {
        assert.ok(Math.abs(regularizedBeta(a, b, x) - jstat.ibeta(x, a, b)) < 1e-6);
      }),
    );
  });

  it('have the arcsine law among the beta functions', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), (x) =>
        assert.ok(Math.abs(regularizedBeta(0.5, 0.5, x) - (2 / Math.PI) * Math.asin(Math.sqrt(x))) < 1e-12),
      ),
    );
  });

  it('have the gamma function of factorials', () => {
    let factorial = 1;
    for (let n = 1; n < 20; n += 1) {
      near(Math.exp(logGamma(n)), factorial, 1e-12, `Γ(${n})`);
      factorial *= n;
    }
    near(logGamma(0.5), Math.log(Math.PI) / 2, 1e-13);
  });

  // Abramowitz and Stegun 1964, table 26.1.
  it('have the normal distribution of the tables', () => {
    const table = [
      [0, 0.5],
      [0.5, 0.691462461274],
      [1, 0.841344746069],
      [1.5, 0.933192798731],
      [2, 0.977249868052],
      [3, 0.998650101968],
    ];
    for (const [z, p] of table) near(normalCdf(z as number), p as number, 1e-12, `z ${z}`);
    near(normalCdf(-5), 2.866515718791946e-7, 1e-9);
  });

  it('undo the normal distribution', () => {
    fc.assert(
      fc.property(fc.double({ min: -6, max: 6, noNaN: true }), (z) =>
        assert.ok(Math.abs(normalQuantile(normalCdf(z)) - z) < 1e-6),
      ),
    );
  });

  it('add up binomial probabilities', () => {
    const sum = (k: number, n: number, p: number) => {
      let total = 0;
      for (let i = 0; i <= k; i += 1) {
        const ways = Math.exp(logGamma(n + 1) - logGamma(i + 1) - logGamma(n - i + 1));
        total += ways * p ** i * (1 - p) ** (n - i);
      }
      return total;
    };
    for (const [k, n, p] of [
      [0, 5, 0.5],
      [2, 9, 0.5],
      [7, 20, 0.3],
      [19, 20, 0.9],
    ] as const)
      near(binomialCdf(k, n, p), sum(k, n, p), 1e-10);
    assert.equal(binomialCdf(5, 5, 0.1), 1);
  });

  it('draw Poisson numbers with the mean and the variance of the distribution', () => {
    for (const mean of [0.5, 3, 9.9, 10, 40, 900]) {
      const random = seededRandom(1);
      const draws = Array.from({ length: 20_000 }, () => poisson(mean, random));
      const average = draws.reduce((sum, each) => sum + each, 0) / draws.length;
      const variance = draws.reduce((sum, each) => sum + (each - average) ** 2, 0) / draws.length;
      // Four standard errors of each.
      assert.ok(Math.abs(average - mean) < 4 * Math.sqrt(mean / draws.length), `mean of ${mean}: ${average}`);
      assert.ok(
        Math.abs(variance / mean - 1) < 4 * Math.sqrt((2 + 1 / mean) / draws.length),
        `variance of ${mean}: ${variance}`,
      );
    }
  });

  it('draw the same numbers from the same seed, and others from another', () => {
    const first = (seed: number) =>
      Array.from(
        { length: 8 },
        (
          (random) => () =>
            random.below(1_000)
        )(seededRandom(seed)),
      );
    assert.deepEqual(first(7), first(7));
    assert.notDeepEqual(first(7), first(8));
    const random = seededRandom(3);
    const counts = new Array<number>(6).fill(0);
    for (let draw = 0; draw < 60_000; draw += 1) counts[random.below(6)] = (counts[random.below(6)] ?? 0) + 1;
    assert.ok(counts.every((count) => count > 0));
  });
});
