/** Against scipy, by what scipy_reference.py has printed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { logGamma, regularizedBeta } from '../../../orchestrator/core/statistics/beta.js';
import { bootstrapInterval } from '../../../orchestrator/core/statistics/bootstrap.js';
import { pairedEffectSize } from '../../../orchestrator/core/statistics/effect-size.js';
import { binomialCdf, normalCdf, normalQuantile } from '../../../orchestrator/core/statistics/normal.js';
import { mcNemarP } from '../../../orchestrator/core/statistics/paired-bits.js';
import { poisson } from '../../../orchestrator/core/statistics/poisson.js';
import { seededRandom } from '../../../orchestrator/core/statistics/random.js';
import { rowFlipP } from '../../../orchestrator/core/statistics/row-flip.js';
import { sampleOf } from '../../../orchestrator/core/statistics/sample.js';
import { signFlipTest } from '../../../orchestrator/core/statistics/sign-flip.js';
import {
  type Interval,
  meanInterval,
  predictionInterval,
  tCritical,
  tTwoSided,
  valuesNeeded,
} from '../../../orchestrator/core/statistics/student-t.js';
import { twoLevelInterval } from '../../../orchestrator/core/statistics/two-level-bootstrap.js';
import { askScript, toolEnvironment } from '../../support/python-tools.js';

const ends = z.tuple([z.number(), z.number()]);
const SCIPY = z
  .object({
    normalCdf: z.array(ends),
    normalQuantile: z.array(ends),
    logGamma: z.array(ends),
    regularizedBeta: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
    binomialCdf: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
    tTwoSided: z.array(z.tuple([z.number(), z.number(), z.number()])),
    tCritical: z.array(z.tuple([z.number(), z.number(), z.number()])),
    samples: z.record(
      z.string(),
      z.object({
        values: z.array(z.number()),
        mean: z.number(),
        sd: z.number(),
        p: z.number(),
        interval: ends,
        prediction: ends,
        signFlip: z.number(),
        effectSize: z.number().nullable(),
        valuesNeeded: z.number(),
        bootstrap: ends.nullable(),
      }),
    ),
    mcNemar: z.array(z.tuple([z.number(), z.number(), z.number()])),
    rowFlips: z.array(z.tuple([z.array(z.number()), z.number()])),
    poisson: z.array(z.tuple([z.number(), z.array(z.number())])),
    twoLevel: z.object({ first: z.array(z.string()), second: z.array(z.string()), interval: ends }),
  })
  .parse(kept());

function kept(): unknown {
  return JSON.parse(readFileSync(new URL('scipy-reference.json', import.meta.url), 'utf8'));
}

function near(found: number | null | undefined, wanted: number, what: string, relative = 1e-10): void {
  assert.ok(typeof found === 'number', what);
  assert.ok(
    Math.abs(found - wanted) <= relative * Math.abs(wanted) + (wanted === 0 ? 1e-14 : 0),
    `${what}: ${found}, scipy ${wanted}`,
  );
}

function nearEnds(found: Interval | null, [low, high]: readonly [number, number], what: string): void {
  near(found?.low, low, `${what}, low`);
  near(found?.high, high, `${what}, high`);
}

/** All that is in it, each by where it is. */
function leaves(value: unknown, place = ''): (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) return [[place, value]];
  return Object.entries(value).flatMap(([name, each]) => leaves(each, `${place}/${name}`));
}

describe("scipy's numbers", () => {
  it('are what it says', function () {
    const python = join(toolEnvironment(this, 'scipy'), 'python');
    const says = new Map(leaves(askScript(python, new URL('scipy_reference.py', import.meta.url))));
    const compared = leaves(kept()).filter(([place]) => place !== '/scipy'); // another version must say the same
    assert.equal(compared.length, says.size - 1);
    for (const [place, wanted] of compared) {
      if (typeof wanted === 'number') near(says.get(place) as number, wanted, place, 1e-9);
      else assert.deepEqual(says.get(place), wanted, place);
    }
  });

  it('are those of the distributions', () => {
    for (const [z, p] of SCIPY.normalCdf) near(normalCdf(z), p, `normal at ${z}`);
    for (const [p, z] of SCIPY.normalQuantile) near(normalQuantile(p), z, `normal quantile of ${p}`);
    for (const [x, value] of SCIPY.logGamma) near(logGamma(x), value, `ln Γ(${x})`);
    for (const [a, b, x, value] of SCIPY.regularizedBeta) near(regularizedBeta(a, b, x), value, `I_${x}(${a}, ${b})`);
    for (const [k, n, p, value] of SCIPY.binomialCdf) near(binomialCdf(k, n, p), value, `P(X ≤ ${k}) of ${n}`);
    for (const [t, df, p] of SCIPY.tTwoSided) near(tTwoSided(t, df), p, `t ${t}, df ${df}`);
    for (const [alpha, df, t] of SCIPY.tCritical) near(tCritical(alpha, df), t, `critical t of ${alpha}, df ${df}`);
  });

  for (const [name, wanted] of Object.entries(SCIPY.samples)) {
    it(`are those of a sample: ${name}`, () => {
      const { values } = wanted;
      const sample = sampleOf(values);
      near(sample.mean, wanted.mean, 'mean');
      near(sample.sd, wanted.sd, 'sd');
      near(
        tTwoSided((sample.mean ?? 0) / ((sample.sd ?? 0) / Math.sqrt(values.length)), values.length - 1),
        wanted.p,
        'p',
      );
      nearEnds(meanInterval(sample), wanted.interval, 'interval');
      nearEnds(predictionInterval(sample, 4), wanted.prediction, 'prediction');
      near(signFlipTest(values, seededRandom(1))?.p, wanted.signFlip, 'sign flips');
      assert.equal(valuesNeeded(sample, 0.01), wanted.valuesNeeded);
      const effect = pairedEffectSize(sample);
      if (wanted.effectSize === null) assert.equal(effect, null);
      else near(effect, wanted.effectSize, 'effect size');
    });

    if (wanted.bootstrap === null) continue;
    const [low, high] = wanted.bootstrap;
    it(`are those of the bootstrap, as far as chance goes: ${name}`, () => {
      const found = bootstrapInterval(wanted.values, seededRandom(3), { resamples: 100_000 });
      const allowed = 0.02 * (high - low);
      assert.ok(found !== null && Math.abs(found.low - low) < allowed && Math.abs(found.high - high) < allowed);
      // With as many resamples as reports draw.
      const usual = bootstrapInterval(wanted.values, seededRandom(4));
      assert.ok(usual !== null && Math.abs(usual.low - low) < 4 * allowed && Math.abs(usual.high - high) < 4 * allowed);
    });
  }

  it('are those of tests by row', () => {
    for (const [onlyFirst, onlySecond, p] of SCIPY.mcNemar) {
      near(
        mcNemarP({ rows: 2_000, both: 0, onlyFirst, onlySecond, neither: 0 }),
        p,
        `McNemar ${onlyFirst}, ${onlySecond}`,
      );
    }
    for (const [rows, p] of SCIPY.rowFlips) near(rowFlipP(rows), p, `flips of ${rows.join(' ')}`);
  });

  it('are those of Poisson numbers, by chi squared', () => {
    for (const [mean, chances] of SCIPY.poisson) {
      const random = seededRandom(2);
      const draws = 20_000;
      const counts = new Array<number>(chances.length).fill(0);
      for (let draw = 0; draw < draws; draw += 1) {
        const value = poisson(mean, random);
        if (value < counts.length) counts[value] = (counts[value] ?? 0) + 1;
      }
      const kept = chances.map((chance, value) => ({ expected: chance * draws, count: counts[value] ?? 0 }));
      const common = kept.filter(({ expected }) => expected >= 5);
      const sum = common.reduce((all, { expected, count }) => all + (count - expected) ** 2 / expected, 0);
      // Its mean is their number, its variance twice that.
      assert.ok(sum < common.length + 4 * Math.sqrt(2 * common.length), `mean ${mean}: ${sum} of ${common.length}`);
    }
  });

  it('are those of seeds and rows that are drawn again, as far as chance goes', () => {
    const { first, second, interval } = SCIPY.twoLevel;
    const pack = (bits: string) => {
      const packed = new Uint8Array(Math.ceil(bits.length / 8));
      for (const [row, bit] of [...bits].entries())
        if (bit === '1') packed[row >> 3] = (packed[row >> 3] ?? 0) | (1 << (row & 7));
      return packed;
    };
    const pairs = first.map((bits, seed) => ({ first: pack(bits), second: pack(second[seed] ?? '') }));
    const found = twoLevelInterval(pairs, first[0]?.length ?? 0, seededRandom(6), { resamples: 20_000 });
    const allowed = 0.05 * (interval[1] - interval[0]);
    assert.ok(found !== null && Math.abs(found.low - interval[0]) < allowed, `${found?.low} ${interval[0]}`);
    assert.ok(Math.abs(found.high - interval[1]) < allowed, `${found.high} ${interval[1]}`);
  });
});
