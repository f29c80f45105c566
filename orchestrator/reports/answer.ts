/** What a sweep says, in a few sentences, with how sure it is. */
import { sampleOf } from '../core/statistics/sample.js';
import type { Cell } from './cells.js';
import { comparedTexts } from './comparison-tables.js';
import { accuracyInPairs, type Comparison } from './comparisons.js';
import { type Declared, whenDeclared } from './declared.js';
import { dataCurves, type Saving, savingText } from './figures/data-curves.js';
import { counted, differencesText, intervalText, percent, signedPercent } from './format.js';
import { grouped } from './grouped.js';
import { ALPHA, isOfRows, isShown, type Significance } from './inference.js';
import { METHODS } from './methods.js';
import type { SweepReport } from './sweep-report.js';
import { leftOutTexts, teacherOf } from './teacher-of.js';

export function answerOf(report: SweepReport): readonly string[] {
  return [
    methodSentence(report),
    dataSentence(report),
    teacherSentence(report),
    ...leftOutTexts(report.teachersLeftOut),
  ].filter((text) => text !== '');
}

const NOTHING_LEARNED =
  'No trial got a single test row right: so trained, these models learn nothing of the task, and no method can be better than another.';

/** Of what was declared before, if anything was; else of all that is compared. */
function methodSentence({ comparisons, cells, declared }: SweepReport): string {
  if (cells.every(({ accuracy }) => accuracy.n === 0)) return 'No trial has a result so far.';
  if (cells.every(({ accuracy }) => (accuracy.mean ?? 0) === 0)) return NOTHING_LEARNED;
  const family = comparisons.filter(({ isDeclared }) => isDeclared || declared === null || declared.comparisons === 0);
  const [only, ...others] = family.filter(({ difference }) => difference.n > 0);
  if (only === undefined) return `This sweep does not say whether step-by-step training helps: ${whyNot(family)}.`;
  return others.length === 0 ? oneComparison(only) : manyComparisons([only, ...others], declared);
}

function whyNot([first]: readonly Comparison[]): string {
  if (first === undefined) return 'no cell differs from another in the method alone';
  const { significance } = first.inference;
  return significance.kind === 'untested' ? significance.reason : 'no seed has a result of both';
}

function oneComparison({ setting, baseline, candidate, difference, pairs, inference }: Comparison): string {
  const { interval, significance } = inference;
  const nameOf = ({ settings }: Cell) =>
    setting === 'model_type' ? `${METHODS[settings.model_type]} training` : `${setting} ${settings[setting]}`;
  const meanOf = (cell: Cell) => accuracyInPairs(cell, pairs).mean;
  const points = signedPercent(difference.mean ?? 0);
  const range = interval === null ? '' : ` (95 % interval ${intervalText(interval)})`;
  return (
    `On ${candidate.settings.dataset}, ${nameOf(candidate)} reaches ${percent(meanOf(candidate))} % and ` +
    `${nameOf(baseline)} ${percent(meanOf(baseline))} %, over ${counted(pairs.length, 'seed')} that both have: ${points} points${range}, ` +
    `${certainty(significance)}.`
  );
}

function certainty(significance: Significance): string {
  switch (significance.kind) {
    case 'tested':
      if (isOfRows(significance.by)) {
        const differ = `${significance.adjusted < ALPHA ? 'differ' : 'are not shown to differ'} on the test rows`;
        return significance.by === 'rows'
          ? `and these two models ${differ}; one seed says nothing of others`
          : `and these models ${differ}, which says nothing of other seeds`;
      }
      return isShown(significance) ? 'which is more than chance' : 'which may be chance';
    case 'untested':
      return `which is not tested: ${significance.reason}`;
  }
}

function manyComparisons(comparisons: readonly Comparison[], declared: Declared | null): string {
  const differences = comparisons.map(({ difference }) => difference.mean ?? 0);
  const shown = comparisons.filter(({ inference }) => isShown(inference.significance));
  const better = shown.filter(({ difference }) => (difference.mean ?? 0) > 0).length;
  const rest = comparisons.length - shown.length;
  const worse = shown.length - better;
  const mean = sampleOf(differences).mean ?? 0;
  const what = isOfMethods(comparisons)
    ? [...new Set(comparisons.map(({ candidate }) => METHODS[candidate.settings.model_type]))].join(' or ')
    : 'the first';
  const found =
    shown.length === 0
      ? `none shows that ${what} is better or worse by more than chance`
      : `${what} is better in ${better} by more than chance${worse > 0 ? `, worse in ${worse}` : ''}` +
        `${rest > 0 ? `, and in ${rest} neither is shown` : ''}`;
  const isNone = differences.every((difference) => difference === 0);
  if (isNone) return `Of ${familyText(comparisons, declared)}, none shows any difference: their means are equal.`;
  // A mean is over what ran on one environment alone.
  const isOnePlace = new Set(comparisons.map(({ candidate }) => candidate.environmentKey)).size === 1;
  const average =
    isOnePlace && new Set(differences.map(signedPercent)).size > 1
      ? `, ${signedPercent(mean)} on average${byDataset(comparisons)}`
      : '';
  return (
    `Of ${familyText(comparisons, declared)}, ${found}${ofRowsText(comparisons)}; ` +
    `${differencesText(differences)}${average}.`
  );
}

/** What rows show of the trained models, where they were tested: that is no answer for other seeds, but it is there. */
function ofRowsText(comparisons: readonly Comparison[]): string {
  const tested = comparisons.flatMap(({ inference: { significance } }) =>
    significance.kind === 'tested' && isOfRows(significance.by) ? [significance] : [],
  );
  if (tested.length === 0) return '';
  const differ = tested.filter(({ adjusted }) => adjusted < ALPHA).length;
  return `; on the test rows alone, which says nothing of other seeds, ${differ === 0 ? 'no models are shown to differ' : `the models differ in ${differ}`}`;
}

/** ` (cqa +1.2, svamp +3.4)`: what is true on average need not be of each. */
function byDataset(comparisons: readonly Comparison[]): string {
  const groups = grouped(comparisons, ({ candidate }) => candidate.settings.dataset);
  if (groups.length < 2) return '';
  const means = groups.map((group) => {
    const mean = sampleOf(group.map(({ difference }) => difference.mean ?? 0)).mean ?? 0;
    return `${group[0].candidate.settings.dataset} ${signedPercent(mean)}`;
  });
  return ` (${means.join(', ')})`;
}

function isOfMethods(comparisons: readonly Comparison[]): boolean {
  return comparisons.every(
    ({ setting, baseline }) => setting === 'model_type' && baseline.settings.model_type === 'standard',
  );
}

function familyText(comparisons: readonly Comparison[], declared: Declared | null): string {
  const count = counted(comparisons.length, 'comparison');
  const what = isOfMethods(comparisons) ? ' with standard training' : ` (${comparedTexts({ comparisons }).join('; ')})`;
  if (declared === null || declared.comparisons === 0) return `${count}${what}`;
  return `the ${count}${what} that ${comparisons.length === 1 ? 'was' : 'were'} declared ${whenDeclared(declared)}`;
}

/** From fewer seeds, where a curve crosses is chance alone. */
const LEAST_SEEDS = 3;

function dataSentence({ cells, teachers }: SweepReport): string {
  const found = dataCurves(cells, teachers).flatMap(({ name, savings }) =>
    savings
      .filter(({ modelType, leastSeeds, isGain }) => modelType === 'task_prefix' && leastSeeds >= LEAST_SEEDS && isGain)
      .map((saving) => ({ name, saving })),
  );
  const fewer = found.filter(({ saving }) => isSaving(saving));
  const [first] = [...fewer, ...found];
  if (first === undefined) return '';
  const example = `${first.name}: ${savingText(first.saving)}`;
  if (found.length === 1) return `By the means over seeds, ${example}.`;
  return (
    `By the means over seeds, step-by-step needs less data than standard training for the same accuracy in ` +
    `${fewer.length === 0 ? 'none' : fewer.length} of ${found.length} settings${sureText(fewer.map(({ saving }) => saving))}. ${example}.`
  );
}

/** Means differ by chance too. */
function sureText(savings: readonly Saving[]): string {
  if (savings.length === 0) return '';
  if (savings.every(({ interval }) => interval === null)) {
    return ', which may be chance: so few seeds, or such that are all alike, give no interval to others';
  }
  const sure = savings.filter(({ interval, fullShare }) => (interval?.high ?? Infinity) < fullShare).length;
  return sure === 0
    ? ', which may be chance: no 95 % interval to other seeds lies below the share that standard training had'
    : `; in ${sure} of these, the 95 % interval to other seeds lies below the share that standard training had`;
}

function isSaving({ crossing, fullShare }: Saving): boolean {
  return crossing.kind !== 'never' && crossing.share < fullShare;
}

function teacherSentence({ cells, teachers }: SweepReport): string {
  const done = cells.filter(({ accuracy }) => accuracy.mean !== null);
  const gaps = grouped(done, ({ settings }) => settings.dataset).flatMap((group) => {
    const [best] = group.toSorted((a, b) => (b.accuracy.mean ?? 0) - (a.accuracy.mean ?? 0));
    const teacher = best === undefined ? null : teacherOf(best.settings, teachers);
    if (best === undefined || teacher === null) return [];
    const gap = gapText((best.accuracy.mean ?? 0) - teacher.labelAccuracy);
    return [`${best.settings.dataset} ${percent(teacher.labelAccuracy)} % (the best cell is ${gap})`];
  });
  return gaps.length === 0 ? '' : `The teacher itself is right in so many test rows: ${gaps.join(', ')}.`;
}

function gapText(difference: number): string {
  return `${percent(Math.abs(difference))} points ${difference < 0 ? 'below' : 'above'} that`;
}
