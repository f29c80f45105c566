/** What a reader must know about the numbers, whatever the report's format. */
import { type Declared, declaredHistoryTexts } from './declared.js';
import { counted } from './format.js';
import type { SweepReport } from './sweep-report.js';
import { byDatasetLines } from './tables.js';

/** Of every table of comparisons, in the terminal too. */
export function correctionNote({ comparisons }: Pick<SweepReport, 'comparisons'>): string {
  const isCorrected = comparisons.some(
    ({ inference: { significance } }) => significance.kind === 'tested' && significance.family > 1,
  );
  return isCorrected
    ? 'p is two-sided, and corrected by Holm for as many comparisons as stand behind it. Intervals are each for itself: one may leave out 0 where p shows nothing.'
    : 'p is two-sided.';
}

/** What the differences and their p values are. */
export function comparisonNote(report: SweepReport): string {
  const { comparisons, declared } = report;
  const tested = comparisons.flatMap(({ inference: { significance } }) =>
    significance.kind === 'tested' ? [significance] : [],
  );
  const tests = new Set(tested.map(({ by }) => by));
  const family = tested[0]?.family ?? 0;
  const undeclared = comparisons.filter(({ isDeclared }) => !isDeclared).length;
  return [
    `Differences are paired by seed: ${differenceText(comparisons)}, mean ± sample standard deviation, in points, with the 95 % interval of the mean by t.`,
    comparisons.some(({ pairs, unpaired }) => pairs.length > 0 && unpaired.length > 0)
      ? 'The accuracies beside them are over the seeds in pairs alone.'
      : '',
    comparisons.some(({ inference: { interval } }) => interval !== null && (interval.low === -1 || interval.high === 1))
      ? 'Intervals end at −100 and 100, beyond which no difference lies.'
      : '',
    correctionNote(report),
    declared === null ? '' : declaredText(declared),
    declared === null && family > 1
      ? `It is corrected by Holm for the ${family} comparisons that could be tested, which nobody declared before the results were there.`
      : '',
    declared !== null && undeclared > 0
      ? `Exploratory: ${counted(undeclared, 'comparison')} that nobody declared, corrected among themselves; what they show is to be tested anew.`
      : '',
    tests.has('flips')
      ? 'Sign flips rest on nothing but the pairing, and are exact up to 20 seeds; beyond, 100,000 signs are drawn.'
      : '',
    tests.has('t')
      ? 't is used where so few seeds could show nothing by sign flips in so large a family, and rests on differences that are normally distributed.'
      : '',
    tests.has('rows')
      ? "McNemar's test of one seed says something of these two models, and nothing of other seeds."
      : '',
    tests.has('row-flips')
      ? 'Flips of row signs, where rows were declared to pair, say something of these trained models on new test rows, and nothing of other seeds; they are exact.'
      : '',
  ]
    .filter((line) => line !== '')
    .join(' ');
}

/** The usual ones are methods against standard training. */
function differenceText(comparisons: SweepReport['comparisons']): string {
  return comparisons.every(
    ({ setting, baseline }) => setting === 'model_type' && baseline.settings.model_type === 'standard',
  )
    ? 'the method minus standard'
    : 'the first minus the second';
}

function declaredText(declared: Declared): string {
  const { sweeps, comparisons, trials, endedBefore, absent } = declared;
  const whose = sweeps.length === 1 ? 'the sweep file' : `the files of ${sweeps.join(', ')}`;
  const when =
    endedBefore === 0
      ? 'before the run'
      : `when ${endedBefore === trials ? 'all' : endedBefore.toLocaleString('en')} of their ${counted(trials, 'trial')} had ended already, so not before the run`;
  const verb = sweeps.length === 1 ? 'declares' : 'declare';
  if (comparisons === 0) return `What ${whose} ${verb} to compare is not among these cells.`;
  return (
    `${whose.charAt(0).toUpperCase()}${whose.slice(1)} declared ${counted(comparisons, 'comparison')} ${when}; ` +
    `by Holm, p is corrected for exactly ${comparisons === 1 ? 'that one' : 'these'}, tested or not.${absent.length === 0 ? '' : ` No two cells differ in this alone: ${absent.join('; ')}.`}` +
    declaredHistoryTexts(declared)
      .map((text) => ` ${text}`)
      .join('')
  );
}

/** The release reports a test curve to choose from; a reader must know which kind of number this is. */
export function selectionNote({ cells }: SweepReport): string {
  const ways = new Set(cells.map(({ settings }) => settings.select));
  return [
    ways.has('valid')
      ? '`select: valid`: the step was chosen by validation accuracy, the test split run once at it.'
      : '',
    ways.has('compat')
      ? '`select: compat`: the test split was run at every evaluation, as the release does; the last step counts.'
      : '',
  ]
    .filter((line) => line !== '')
    .join(' ');
}

/** Of `cellTable`. */
export const ACCURACY_NOTE =
  'Mean ± sample standard deviation over seeds, in percent, with the 95 % interval of the mean by t, cut off at 0 and 100; n is the number of seeds with a result.';

/** Of `teacherTable`. */
export const TEACHER_NOTE =
  "How often the teacher's own labels are right, for how many rows it gives a rationale, and how long these are";

/** Of `failureLines`. */
export const FAILURES_NOTE = 'The first to fail comes first.';

/** Of `sizeTable`. */
export const SIZE_NOTE =
  "The effect size is Cohen's d of the paired differences, corrected for few pairs (Hedges' g): the mean difference in its own standard deviations. So many seeds in all make the 95 % interval a point to either side, if they go on to differ as these do. From ten seeds on there is the 95 % interval of the difference itself by the bootstrap (BCa), in points: it assumes no normal distribution, but holds somewhat less often than it says for so few seeds (90 % for ten).";

/** Names as a sweep file has them, for who has not written it. */
export const NAMES_NOTE =
  '`model_type`: standard training, or task_prefix, which is distilling step-by-step. `label_type`: trained on gold labels (gt) or on those of the teacher (llm). `subsample`: the share of the training split.';

/** Of `macroTable`. */
export function macroNote(report: SweepReport): string {
  return [
    'Mean ± sample standard deviation over seeds. The mean of all is that over the datasets of each seed, every dataset counting as much, over the n seeds that all of them have; with the 95 % interval of its mean by t, cut off at 0 and 100.',
    ...byDatasetLines(report),
  ].join(' ');
}

/** In brackets behind a share of the data. */
export const CROSSING_NOTE =
  'Between two shares that were measured, accuracy is taken to grow in a line with the logarithm of the share. Brackets hold the 95 % interval to other seeds, by drawing the seeds again with their spread widened for their small number; ≤ and > stand for shares below and above those that were tried. A dotted step in a figure leads from what standard training reaches with all data to the share that is enough.';

const PUBLISHED_NOTE =
  'Reproduced: the published number lies in the 95 % interval for the mean of as many new seeds as it is the mean of, by t from the seeds of the cell, cut off at 0 and 100. Above and below are where this sweep lies.';

/** Of `comparabilityLines`, and of every table that has a column for the environment. */
export const COMPARABILITY_NOTE =
  'Seeds are put together where their settings are the same, with them the rows of a step and the precision, and what they ran on: the versions of the engine, torch and transformers, and the kind of device. Here they ran on several, so that rows and curves have their environment, and no mean, interval or test is over two of them. How many processes and threads shared a trial, and on which host, rounds sums otherwise at most, which favours no cell.';

/** With how far the numbers themselves are to be trusted. */
export function publishedNote({ published }: SweepReport): string {
  const numbers = [...new Set(published.map(({ number }) => number))];
  const unverified = numbers.filter(({ isVerified }) => !isVerified).length;
  if (unverified === 0) return PUBLISHED_NOTE;
  const which =
    unverified === numbers.length ? 'None of these numbers has been' : `Of these numbers ${unverified} have not been`;
  return `${PUBLISHED_NOTE} ${which} verified against ${unverified === 1 ? 'its' : 'their'} source, which is said beside each: a verdict on such a number stands only if the number is right.`;
}

export const PLANNED_NOTE =
  'What `dss plan` says of such trials, and what they took, by the median over seeds. Time is planned by what the other cells of these measured, never by the cell itself.';

export function choicesNote({ cells }: SweepReport): string {
  return cells.some(({ choiceAccuracy }) => choiceAccuracy.n > 0)
    ? "choices: how often the right one of the dataset's allowed answers was the likeliest. Nothing is generated for it, so it is another metric than accuracy."
    : '';
}
