/** What a comparison says beyond this sweep's seeds: how sure its difference is, and whether it may be chance. */
import { bootstrapInterval } from '../core/statistics/bootstrap.js';
import { pairedEffectSize } from '../core/statistics/effect-size.js';
import { holm } from '../core/statistics/holm.js';
import { type Agreement, agreementOf, mcNemarP } from '../core/statistics/paired-bits.js';
import { seededRandom } from '../core/statistics/random.js';
import type { Sample } from '../core/statistics/sample.js';
import { leastSignFlipP, signFlipTest } from '../core/statistics/sign-flip.js';
import { type Interval, isAlike, meanInterval, tTwoSided, valuesNeeded } from '../core/statistics/student-t.js';
import { twoLevelInterval } from '../core/statistics/two-level-bootstrap.js';
import { type MixedEnvironment, mixedLines } from './mixed-environment.js';

/** Of a family of comparisons, how often one may be called more than chance where all are chance. */
export const ALPHA = 0.05;
/** For `seedsNeeded`: a percentage point to either side. */
const HALF_WIDTH = 0.01;
const LEAST_T = 3;
const SEED = 20_231;

/** Which test rows a trial got right, at the step that gave its result. */
export interface TestBits {
  readonly rows: number;
  /** Row i at byte i / 8, bit i % 8. */
  readonly correct: Uint8Array;
}

/**
 * `flips`: exact, by flipping the signs of the seeds' differences. `t`: rests on normal differences. `rows`: McNemar's,
 * for one seed; it says something of these two models, and nothing of other seeds.
 */
export type TestName = 'flips' | 't' | 'rows';

export type Significance =
  | { readonly kind: 'tested'; readonly by: TestName; readonly p: number /** By Holm. */; readonly adjusted: number }
  | { readonly kind: 'untested'; readonly reason: string };

export interface Inference {
  /** For the mean difference over seeds, by t. */
  readonly interval: Interval | null;
  /** The same by the bootstrap (BCa), which assumes no normal distribution; from ten seeds on. */
  readonly bootstrap: Interval | null;
  /** Cohen's d of the paired differences, corrected for few pairs. */
  readonly effectSize: number | null;
  readonly significance: Significance;
  /** By rows, added up over the seeds; first is standard. `null`: some rows are not known. */
  readonly agreement: Agreement | null;
  /** To new seeds and new test rows alike. */
  readonly acrossRows: Interval | null;
  /** Seeds in all for an interval of a point to either side, if they vary as these do. */
  readonly seedsNeeded: number | null;
}

/** What `infer` looks at; a seed that both methods have. */
export interface PairedSeed {
  /** The method minus standard, in accuracy. */
  readonly difference: number;
  readonly standard: TestBits | null;
  readonly method: TestBits | null;
}

export interface Compared {
  readonly pairs: readonly PairedSeed[];
  readonly difference: Sample;
  /** Over the seeds of both. */
  readonly mixed: MixedEnvironment;
}

/**
 * In the order given: one family. Which test a comparison gets follows from the numbers of its seeds and of the family,
 * never from how it comes out.
 */
export function infer(comparisons: readonly Compared[]): readonly Inference[] {
  const reasons = comparisons.map(reasonNotToTest);
  const family = reasons.filter((reason) => reason === null).length;
  const found = comparisons.map((compared, place) => {
    const reason = reasons[place] ?? null;
    return reason === null ? testOf(compared, family) : untested(reason);
  });
  const adjusted = holm(found.flatMap((each) => (each.kind === 'tested' ? [each.p] : [])));
  let next = 0;
  return comparisons.map((compared, place) => {
    const test = found[place] as Test;
    const significance = test.kind === 'tested' ? { ...test, adjusted: adjusted[next++] as number } : test;
    return { ...estimatesOf(compared), significance };
  });
}

type Test =
  | { readonly kind: 'tested'; readonly by: TestName; readonly p: number }
  | { readonly kind: 'untested'; readonly reason: string };

function reasonNotToTest({ pairs, difference, mixed }: Compared): string | null {
  const { n } = difference;
  const differing = mixedLines(mixed);
  if (differing.length > 0) return `its trials ran in different environments: ${differing.join('; ')}`;
  if (n === 0) return 'no seed has a result of both';
  if (n === 1 && agreementOfSeeds(pairs) === null) return 'one seed, and its test rows are not known';
  if (n > 1 && n < LEAST_T) return `${n} seeds cannot show it: flipping signs gives p ${leastSignFlipP(n)} at least`;
  if (n >= LEAST_T && isAlike(difference)) return 'all seeds differ alike, which says nothing of their spread';
  return null;
}

function testOf({ pairs, difference }: Compared, family: number): Test {
  const { n, mean, sd } = difference;
  if (n === 1) return rowTest(pairs);
  // Holm's largest factor is the family's size: only then can the exact test show anything, whatever the outcome.
  const leastP = leastSignFlipP(n);
  if (leastP * family <= ALPHA) {
    const flips = signFlipTest(
      pairs.map((pair) => pair.difference),
      seededRandom(SEED),
    );
    return flips === null ? untested('no seed makes a difference') : { kind: 'tested', by: 'flips', p: flips.p };
  }
  return { kind: 'tested', by: 't', p: tTwoSided((mean ?? 0) / ((sd ?? 0) / Math.sqrt(n)), n - 1) };
}

function rowTest(pairs: readonly PairedSeed[]): Test {
  const agreement = agreementOfSeeds(pairs);
  if (agreement === null) return untested('one seed, and its test rows are not known');
  const p = mcNemarP(agreement);
  return p === null ? untested('both get the same test rows right') : { kind: 'tested', by: 'rows', p };
}

function untested(reason: string): Test {
  return { kind: 'untested', reason };
}

function estimatesOf({ pairs, difference }: Compared): Omit<Inference, 'significance'> {
  return {
    interval: meanInterval(difference),
    bootstrap: bootstrapInterval(
      pairs.map((pair) => pair.difference),
      seededRandom(SEED),
    ),
    effectSize: pairedEffectSize(difference),
    agreement: agreementOfSeeds(pairs),
    acrossRows: acrossRowsOf(pairs),
    // Two values say next to nothing of a spread.
    seedsNeeded: difference.n < LEAST_T ? null : valuesNeeded(difference, HALF_WIDTH),
  };
}

function agreementOfSeeds(pairs: readonly PairedSeed[]): Agreement | null {
  const sum = { rows: 0, both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (const pair of pairs) {
    const bits = bitsOf(pair);
    if (bits === null) return null;
    const each = agreementOf(bits.first, bits.second, bits.rows);
    for (const name of ['rows', 'both', 'onlyFirst', 'onlySecond', 'neither'] as const) sum[name] += each[name];
  }
  return pairs.length === 0 ? null : sum;
}

function acrossRowsOf(pairs: readonly PairedSeed[]): Interval | null {
  const bits = pairs.map(bitsOf);
  const [first] = bits;
  if (first === undefined || first === null) return null;
  const { rows } = first;
  const alike = bits.flatMap((each) => (each !== null && each.rows === rows ? [each] : []));
  return alike.length < bits.length ? null : twoLevelInterval(alike, rows, seededRandom(SEED));
}

function bitsOf({ standard, method }: PairedSeed) {
  if (standard === null || method === null || standard.rows !== method.rows) return null;
  return { rows: standard.rows, first: standard.correct, second: method.correct };
}
