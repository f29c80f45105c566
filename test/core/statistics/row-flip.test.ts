import assert from 'node:assert/strict';
import fc from 'fast-check';
import { agreementOf, mcNemarP, rowDifferences } from '../../../orchestrator/core/statistics/paired-bits.js';
import { seededRandom } from '../../../orchestrator/core/statistics/random.js';
import { rowFlipP } from '../../../orchestrator/core/statistics/row-flip.js';

/** Every choice of signs, one after the other. */
function plainP(values: readonly number[]): number {
  const sums = Array.from({ length: 2 ** values.length }, (_, signs) =>
    Math.abs(values.reduce((sum, each, place) => sum + ((signs >> place) & 1 ? -each : each), 0)),
  );
  return sums.filter((sum) => sum >= (sums[0] ?? 0)).length / sums.length;
}

describe('flips of row signs', () => {
  it('are as many as one counts', () => {
    const rows = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(rows, (values) => {
        const p = rowFlipP(values);
        if (values.every((each) => each === 0)) assert.equal(p, null);
        else assert.ok(Math.abs((p ?? 0) - plainP(values)) < 1e-12, `${p} ${plainP(values)}`);
      }),
    );
  });

  it("are McNemar's exact test where there is one seed", () => {
    const bits = fc.uint8Array({ minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(bits, bits, (first, second) => {
        const [flips, known] = [
          rowFlipP(rowDifferences([{ first, second }], 80)),
          mcNemarP(agreementOf(first, second, 80)),
        ];
        if (known === null) assert.equal(flips, null);
        else assert.ok(Math.abs((flips ?? 0) - known) < 1e-12);
      }),
    );
  });

  it('are never so sure that nothing is left of chance, nor surer than they are', () => {
    // Each of 2,000 rows goes one way: 2 of 2 ** 2,000 choices of signs, of which no number can say more than that it is small.
    const p = rowFlipP(Array<number>(2_000).fill(1)) ?? 0;
    assert.ok(p > 0 && p < 1e-15, `${p}`);
    for (const rows of [60, 70, 80, 200]) {
      const plain = 2 ** (1 - rows);
      assert.ok((rowFlipP(Array<number>(rows).fill(1)) ?? 0) >= plain * (1 - 1e-9), `${rows}`);
      assert.ok((rowFlipP(Array<number>(rows).fill(3)) ?? 1) < plain + 1e-15, `${rows}`);
    }
    assert.ok((mcNemarP({ rows: 2_000, both: 0, onlyFirst: 0, onlySecond: 2_000, neither: 0 }) ?? 0) > 0);
  });

  it('reject a true null as often as they say, at the size of a real test split', () => {
    const random = seededRandom(4);
    let rejected = 0;
    for (let round = 0; round < 400; round += 1) {
      const rows = Array.from({ length: 1_221 }, () => [0, 0, 0, 1, -1, 2, -2, 5, -5][random.below(9)] ?? 0);
      if ((rowFlipP(rows) ?? 1) <= 0.05) rejected += 1;
    }
    assert.ok(rejected / 400 > 0.025 && rejected / 400 < 0.08, `${rejected / 400}`);
  });

  it('add up the differences of a row over the seeds', () => {
    const [one, other] = [Uint8Array.of(0b0111), Uint8Array.of(0b1100)];
    const seeds = [
      { first: one, second: other },
      { first: one, second: other },
      { first: other, second: one },
    ];
    assert.deepEqual([...rowDifferences(seeds, 4)], [-1, -1, 0, 1]);
  });
});
