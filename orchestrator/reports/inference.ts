/** What a comparison says beyond this sweep's seeds: how sure its difference is, and whether it may be chance. */
import { bootstrapInterval } from '../core/statistics/bootstrap.js';
import { pairedEffectSize } from '../core/statistics/effect-size.js';
import { holm } from '../core/statistics/holm.js';
import { type Agreement, agreementOf, mcNemarP, rowDifferences } from '../core/statistics/paired-bits.js';
import { seededRandom } from '../core/statistics/random.js';
import { rowFlipP } from '../core/statistics/row-flip.js';
import type { Sample } from '../core/statistics/sample.js';
import { leastSignFlipP, signFlipTest } from '../core/statistics/sign-flip.js';
import {
  type Interval,
  isAlike,
  meanInterval,
  tTwoSided,
  valuesNeeded,
  withinDifferences,
} from '../core/statistics/student-t.js';
import { twoLevelInterval } from '../core/statistics/two-level-bootstrap.js';
import type { PairedBy } from '../core/sweep/compare-section.js';
import { isMixed, type MixedEnvironment, mixedLines } from './mixed-environment.js';

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
 * for one seed; it says something of these two models, and nothing of other seeds. `row-flips`: the same over several
 * seeds, where a comparison was declared so: it says something of these models on new rows.
 */
export type TestName = 'flips' | 't' | 'rows' | 'row-flips';

export type Significance =
  | {
      readonly kind: 'tested';
      readonly by: TestName;
      readonly p: number;
      /** By Holm. */
      readonly adjusted: number;
      /** For so many comparisons. */
      readonly family: number;
    }
  | { readonly kind: 'untested'; readonly reason: string };

/** Whether a test says something of these trained models alone, and nothing of other seeds. */
export function isOfRows(by: TestName): boolean {
  return by === 'rows' || by === 'row-flips';
}

/** Whether it shows more than chance of seeds, and so of what was compared; rows do not, however they come out. */
export function isShown(significance: Significance): boolean {
  return significance.kind === 'tested' && !isOfRows(significance.by) && significance.adjusted < ALPHA;
}

export interface Inference {
  /** For the mean difference over seeds, by t. */
  readonly interval: Interval | null;
  /** The same by the bootstrap (BCa), which assumes no normal distribution; from ten seeds on. */
  readonly bootstrap: Interval | null;
  /** Cohen's d of the paired differences, corrected for few pairs. */
  readonly effectSize: number | null;
  readonly significance: Significance;
  /** By rows, added up over the seeds; first is the baseline. `null`: some rows are not known. */
  readonly agreement: Agreement | null;
  /** To new seeds and new test rows alike. */
  readonly acrossRows: Interval | null;
  /** Seeds in all for an interval of a point to either side, if they vary as these do. */
  readonly seedsNeeded: number | null;
}

/** What `infer` looks at; a seed that both cells have. */
export interface PairedSeed {
  /** The candidate minus the baseline, in accuracy. */
  readonly difference: number;
  readonly baseline: TestBits | null;
  readonly candidate: TestBits | null;
}

export interface Compared {
  readonly pairs: readonly PairedSeed[];
  readonly difference: Sample;
  readonly pairedBy: PairedBy;
  /** Of both. Where it is not empty, nothing is said of the difference. */
  readonly mixed: MixedEnvironment;
}

/**
 * In the order given: one family. Who is in it, and which test a comparison gets, follows from the numbers of its seeds and
 * of the family, never from how it comes out.
 *
 * @param isWholeFamily the family was declared, so that those that cannot be tested count as much as the others; without,
 *   it is those that seeds and rows are there for
 */
export function infer(
  comparisons: readonly Compared[],
  { isWholeFamily = false }: { readonly isWholeFamily?: boolean } = {},
): readonly Inference[] {
  const reasons = comparisons.map(reasonNotToTest);
  const family = isWholeFamily ? comparisons.length : reasons.filter((reason) => reason === null).length;
  const found = comparisons.map((compared, place) => {
    const reason = reasons[place] ?? null;
    return reason === null ? testOf(compared, family) : untested(reason);
  });
  // What could not be tested, or came out so that there is nothing to test, shows nothing, which is p = 1.
  const tested = found.flatMap((each) => (each.kind === 'tested' ? [each.p] : []));
  const adjusted = holm([...tested, ...Array<number>(family - tested.length).fill(1)]);
  let next = 0;
  return comparisons.map((compared, place) => {
    const test = found[place] as Test;
    const significance = test.kind === 'tested' ? { ...test, adjusted: adjusted[next++] as number, family } : test;
    return { ...estimatesOf(compared), significance };
  });
}

type Test =
  | { readonly kind: 'tested'; readonly by: TestName; readonly p: number }
  | { readonly kind: 'untested'; readonly reason: string };

/** What keeps it out of a family that nobody declared: known before any of its seeds says who is better. */
function reasonNotToTest({ pairs, difference, mixed, pairedBy }: Compared): string | null {
  const { n } = difference;
  const differing = mixedLines(mixed);
  if (differing.length > 0) return `its trials ran in different environments: ${differing.join('; ')}`;
  if (n === 0) return 'no seed has a result of both';
  if (n === 1 && agreementOfSeeds(pairs) === null) return 'one seed, and its test rows are not known';
  if (pairedBy === 'row') return alikeBits(pairs) === null ? 'its test rows are not known' : null;
  if (n > 1 && n < LEAST_T) return `${n} seeds cannot show it: flipping signs gives p ${leastSignFlipP(n)} at least`;
  return null;
}

function testOf({ pairs, difference, pairedBy }: Compared, family: number): Test {
  const { n, mean, sd } = difference;
  if (n === 1) return rowTest(pairs);
  if (pairedBy === 'row') return rowFlipTest(pairs);
  const differences = pairs.map((pair) => pair.difference);
  if (differences.every((each) => each === 0)) return untested('no seed makes a difference');
  // Holm's largest factor is the family's size: only then can the exact test show anything, whatever the outcome.
  if (leastSignFlipP(n) * family <= ALPHA) {
    return { kind: 'tested', by: 'flips', p: signFlipTest(differences, seededRandom(SEED))?.p ?? 1 };
  }
  if (isAlike(difference)) return untested('all seeds differ alike, which says nothing of their spread');
  return { kind: 'tested', by: 't', p: tTwoSided((mean ?? 0) / ((sd ?? 0) / Math.sqrt(n)), n - 1) };
}

function rowTest(pairs: readonly PairedSeed[]): Test {
  const agreement = agreementOfSeeds(pairs);
  if (agreement === null) return untested('one seed, and its test rows are not known');
  const p = mcNemarP(agreement);
  return p === null ? untested('both get the same test rows right') : { kind: 'tested', by: 'rows', p };
}

function rowFlipTest(pairs: readonly PairedSeed[]): Test {
  const bits = alikeBits(pairs);
  const p = bits === null ? null : rowFlipP(rowDifferences(bits, bits[0]?.rows ?? 0));
  return p === null ? untested('both get the same test rows right') : { kind: 'tested', by: 'row-flips', p };
}

function untested(reason: string): Test {
  return { kind: 'untested', reason };
}

type Estimates = Omit<Inference, 'significance'>;

const NO_ESTIMATES: Estimates = {
  interval: null,
  bootstrap: null,
  effectSize: null,
  agreement: null,
  acrossRows: null,
  seedsNeeded: null,
};

function estimatesOf({ pairs, difference, mixed }: Compared): Estimates {
  if (isMixed(mixed)) return NO_ESTIMATES;
  return {
    interval: withinDifferences(meanInterval(difference)),
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
  const bits = alikeBits(pairs);
  return bits === null ? null : twoLevelInterval(bits, bits[0]?.rows ?? 0, seededRandom(SEED));
}

/** `null`: of some seed they are not known, or it has other rows. */
function alikeBits(pairs: readonly PairedSeed[]) {
  const bits = pairs.map(bitsOf);
  const rows = bits[0]?.rows;
  const alike = bits.flatMap((each) => (each !== null && each.rows === rows ? [each] : []));
  return alike.length < bits.length || alike.length === 0 ? null : alike;
}

function bitsOf({ baseline, candidate }: PairedSeed) {
  if (baseline === null || candidate === null || baseline.rows !== candidate.rows) return null;
  return { rows: baseline.rows, first: baseline.correct, second: candidate.correct };
}
