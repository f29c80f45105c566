/** What a reader must know about the numbers, whatever the report's format. */
import type { SweepReport } from './sweep-report.js';

/** What the differences and their p values are. */
export function comparisonNote({ comparisons }: SweepReport): string {
  const tests = new Set(
    comparisons.flatMap(({ inference: { significance } }) => (significance.kind === 'tested' ? [significance.by] : [])),
  );
  const family = comparisons.filter(({ inference: { significance } }) => significance.kind !== 'untested').length;
  return [
    'Differences are paired by seed: the method minus standard, mean ± sample standard deviation, in points, with the 95 % interval of the mean by t.',
    family > 1
      ? `p is two-sided and corrected by Holm for the ${family} comparisons that are tested, which nobody declared before the results were there.`
      : 'p is two-sided.',
    tests.has('flips')
      ? 'Sign flips rest on nothing but the pairing, and are exact up to 20 seeds; beyond, 100,000 signs are drawn.'
      : '',
    tests.has('t')
      ? 't is used where so few seeds could show nothing by sign flips in so large a family, and rests on differences that are normally distributed.'
      : '',
    tests.has('rows')
      ? "McNemar's test of one seed says something of these two models, and nothing of other seeds."
      : '',
  ]
    .filter((line) => line !== '')
    .join(' ');
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

export function choicesNote({ cells }: SweepReport): string {
  return cells.some(({ choiceAccuracy }) => choiceAccuracy.n > 0)
    ? "choices: how often the right one of the dataset's allowed answers was the likeliest. Nothing is generated for it, so it is another metric than accuracy."
    : '';
}
