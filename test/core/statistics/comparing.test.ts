import assert from 'node:assert/strict';
import fc from 'fast-check';
import { crossingOf } from '../../../orchestrator/core/statistics/crossing.js';
import { pairedEffectSize } from '../../../orchestrator/core/statistics/effect-size.js';
import { holm } from '../../../orchestrator/core/statistics/holm.js';
import { agreementOf, mcNemarP } from '../../../orchestrator/core/statistics/paired-bits.js';
import { seededRandom } from '../../../orchestrator/core/statistics/random.js';
import { sampleOf } from '../../../orchestrator/core/statistics/sample.js';
import { leastSignFlipP, signFlipTest } from '../../../orchestrator/core/statistics/sign-flip.js';

describe('the sign-flip test', () => {
  /** Every choice of signs, one after the other. */
  function plainP(differences: readonly number[]): number {
    const sum = (signs: number) => differences.reduce((all, each, i) => all + ((signs >> i) & 1 ? -each : each), 0);
    const choices = Array.from({ length: 2 ** differences.length }, (_, signs) => Math.abs(sum(signs)));
    return choices.filter((each) => each >= Math.abs(sum(0)) - 1e-12).length / choices.length;
  }

  it('counts the signs that give as large a sum', () => {
    const differences = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(differences, (values) => {
        const found = signFlipTest(values, seededRandom(1));
        if (values.every((each) => each === 0)) assert.equal(found, null);
        else assert.ok(Math.abs((found?.p ?? 0) - plainP(values)) < 1e-12);
      }),
    );
  });

  // Fisher 1935, section 21: Darwin's maize; 863 of 16,384 choices of signs give as large a sum, one-sided.
  it("gives Fisher's p for Darwin's maize", () => {
    const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
    assert.ok(Math.abs((signFlipTest(maize, seededRandom(1))?.p ?? 0) - (2 * 863) / 32_768) < 1e-12);
  });

  it('cannot be less than all of one sign give', () => {
    assert.deepEqual([3, 5, 6, 10].map(leastSignFlipP), [0.25, 0.0625, 0.03125, 2 / 1024]);
    assert.equal(signFlipTest([1, 2, 3, 4, 5], seededRandom(1))?.p, 0.0625);
  });

  it('draws signs where there are too many choices, and says how far off that may be', () => {
    const values = Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? -1 : 1) * (1 + i / 10));
    const { p, standardError } = signFlipTest(values, seededRandom(5)) ?? { p: 0, standardError: 0 };
    const other = signFlipTest(values, seededRandom(6))?.p ?? 0;
    assert.ok(standardError > 0);
    assert.ok(Math.abs(p - other) < 6 * standardError);
  });

  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    it(`takes no ${odd}, which no sum would reach`, () => {
      const error = new RangeError(`differences must be finite numbers, and one is ${odd}`);
      assert.throws(() => signFlipTest([0.01, -0.02, 0.03, odd, -0.01], seededRandom(1)), error);
    });
  }

  it('rejects a true null as often as it says', () => {
    const random = seededRandom(9);
    let rejected = 0;
    for (let draw = 0; draw < 2_000; draw += 1) {
      const values = Array.from({ length: 8 }, () => random.unit() - 0.5);
      if ((signFlipTest(values, random)?.p ?? 1) <= 0.05) rejected += 1;
    }
    assert.ok(rejected / 2_000 > 0.03 && rejected / 2_000 < 0.065, `${rejected}`);
  });
});

describe('bits of two models', () => {
  it('are counted as one counts them by hand', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 70 }), (rows) => {
        const pack = (side: 0 | 1) => {
          const bits = new Uint8Array(Math.ceil(rows.length / 8));
          for (const [i, row] of rows.entries()) if (row[side]) bits[i >> 3] = (bits[i >> 3] ?? 0) | (1 << (i & 7));
          return bits;
        };
        const count = (a: boolean, b: boolean) => rows.filter(([x, y]) => x === a && y === b).length;
        assert.deepEqual(agreementOf(pack(0), pack(1), rows.length), {
          rows: rows.length,
          both: count(true, true),
          onlyFirst: count(true, false),
          onlySecond: count(false, true),
          neither: count(false, false),
        });
      }),
    );
    assert.throws(() => agreementOf(new Uint8Array(1), new Uint8Array(2), 9), RangeError);
  });

  // By the binomial distribution: 2 * P(X ≤ 3) with n = 13 is 756 / 8192; R's binom.test(3, 13) says 0.09228516.
  it("give McNemar's exact p", () => {
    const of = (onlyFirst: number, onlySecond: number) =>
      mcNemarP({ rows: 100, both: 50, onlyFirst, onlySecond, neither: 0 });
    assert.ok(Math.abs((of(3, 10) ?? 0) - 756 / 8_192) < 1e-12);
    assert.equal(of(10, 3), of(3, 10));
    assert.equal(of(4, 4), 1);
    assert.equal(of(0, 0), null);
  });
});

describe('a family of comparisons', () => {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02.
  it("has Holm's p values", () => {
    assert.deepEqual(
      holm([0.01, 0.04, 0.03, 0.005]).map((p) => Number(p.toFixed(10))),
      [0.03, 0.06, 0.06, 0.02],
    );
    assert.deepEqual(holm([]), []);
  });

  it('never makes a p smaller, nor changes their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (values) => {
        const adjusted = holm(values);
        for (const [i, p] of values.entries()) {
          assert.ok((adjusted[i] ?? 0) >= p && (adjusted[i] ?? 2) <= 1);
          for (const [j, q] of values.entries()) if (p < q) assert.ok((adjusted[i] ?? 0) <= (adjusted[j] ?? 0));
        }
      }),
    );
  });
});

describe('an effect size', () => {
  it('is corrected for small samples', () => {
    // Hedges 1981, table: J(4) is 0.7979, J(9) 0.9139 to four digits.
    const of = (n: number) => pairedEffectSize({ n, mean: 1, sd: 1 }) ?? 0;
    assert.deepEqual([of(5).toFixed(4), of(10).toFixed(4)], ['0.7979', '0.9139']);
    assert.equal(pairedEffectSize(sampleOf([1, 1, 1])), null);
    assert.equal(pairedEffectSize(sampleOf([1, 2])), null);
  });
});

describe('a crossing', () => {
  const curve = [
    { share: 1, accuracy: 0.8 },
    { share: 0.25, accuracy: 0.6 },
    { share: 0.5, accuracy: 0.7 },
  ];

  it('is found between two shares that were measured', () => {
    assert.deepEqual(crossingOf(curve, 0.7), { kind: 'reached', share: 0.5 });
    const found = crossingOf(curve, 0.65);
    assert.ok(found.kind === 'reached' && Math.abs(found.share - Math.sqrt(0.25 * 0.5)) < 1e-12);
  });

  it('is not made up outside of them', () => {
    assert.deepEqual(crossingOf(curve, 0.9), { kind: 'never' });
    assert.deepEqual(crossingOf(curve, 0.5), { kind: 'always', share: 0.25 });
  });

  it('is no lucky point from which the curve falls again', () => {
    const found = crossingOf([{ share: 0.1, accuracy: 0.75 }, ...curve], 0.72);
    assert.ok(found.kind === 'reached' && found.share > 0.5);
  });
});
