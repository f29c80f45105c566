/** What a sweep says, in a few sentences, with how sure it is. */
import { sampleOf } from '../core/statistics/sample.js';
import type { Cell } from './cells.js';
import type { Comparison } from './comparisons.js';
import { dataCurves, type Saving, savingText } from './figures/data-curves.js';
import { counted, intervalText, percent } from './format.js';
import { grouped } from './grouped.js';
import { ALPHA, type Significance } from './inference.js';
import { METHODS } from './methods.js';
import type { SweepReport } from './sweep-report.js';
import { teacherOf } from './teacher-of.js';

export function answerOf(report: SweepReport): readonly string[] {
  return [methodSentence(report), dataSentence(report), teacherSentence(report)].filter((text) => text !== '');
}

function methodSentence({ comparisons, cells }: SweepReport): string {
  if (cells.every(({ accuracy }) => accuracy.n === 0)) return 'No trial has a result so far.';
  const [only, ...others] = comparisons.filter(({ difference }) => difference.n > 0);
  if (only === undefined) {
    return 'This sweep does not say whether step-by-step training helps: no cell differs from another in the method alone.';
  }
  return others.length === 0 ? oneComparison(only) : manyComparisons([only, ...others]);
}

function oneComparison({ standard, method, difference, pairs, inference }: Comparison): string {
  const { interval, significance } = inference;
  const seeds = new Set(pairs.map(({ seed }) => seed));
  // Of the seeds that both have, so that the difference is that of the two.
  const meanOf = (cell: Cell) =>
    sampleOf(
      cell.seeds.flatMap(({ seed, testAccuracy }) => (seeds.has(seed) && testAccuracy !== null ? [testAccuracy] : [])),
    ).mean;
  const points = signed(100 * (difference.mean ?? 0));
  const range = interval === null ? '' : ` (95 % interval ${intervalText(interval)})`;
  return (
    `On ${method.settings.dataset}, ${METHODS[method.settings.model_type]} training reaches ${percent(meanOf(method))} % and ` +
    `standard training ${percent(meanOf(standard))} %, over ${counted(seeds.size, 'seed')} that both have: ${points} points${range}, ` +
    `${certainty(significance)}.`
  );
}

function certainty(significance: Significance): string {
  switch (significance.kind) {
    case 'tested':
      if (significance.by === 'rows') {
        const differ = significance.adjusted < ALPHA ? 'differ' : 'are not shown to differ';
        return `and these two models ${differ} on the test rows; one seed says nothing of others`;
      }
      return significance.adjusted < ALPHA ? 'which is more than chance' : 'which may be chance';
    case 'untested':
      return `which is not tested: ${significance.reason}`;
  }
}

function manyComparisons(comparisons: readonly Comparison[]): string {
  const differences = comparisons.map(({ difference }) => difference.mean ?? 0);
  const shown = comparisons.filter(
    ({ inference: { significance } }) =>
      // One seed says nothing of others, however its rows come out.
      significance.kind === 'tested' && significance.by !== 'rows' && significance.adjusted < ALPHA,
  );
  const better = shown.filter(({ difference }) => (difference.mean ?? 0) > 0).length;
  const methods = [...new Set(comparisons.map(({ method }) => METHODS[method.settings.model_type]))].join(' or ');
  const rest = comparisons.length - shown.length;
  const worse = shown.length - better;
  const mean = sampleOf(differences).mean ?? 0;
  const found =
    shown.length === 0
      ? `none shows that ${methods} is better or worse by more than chance`
      : `${methods} is better in ${better} by more than chance${worse > 0 ? `, worse in ${worse}` : ''}` +
        `${rest > 0 ? `, and in ${rest} neither is shown` : ''}`;
  return (
    `Of ${counted(comparisons.length, 'comparison')} with standard training, ${found}; differences go from ` +
    `${signed(100 * Math.min(...differences))} to ${signed(100 * Math.max(...differences))} points, ${signed(100 * mean)} on average.`
  );
}

/** From fewer seeds, where a curve crosses is chance. */
const LEAST_SEEDS = 3;

function dataSentence({ cells, teachers }: SweepReport): string {
  const found = dataCurves(cells, teachers).flatMap(({ name, savings }) =>
    savings
      .filter(({ modelType, leastSeeds }) => modelType === 'task_prefix' && leastSeeds >= LEAST_SEEDS)
      .map((saving) => ({ name, saving })),
  );
  const [first, ...others] = found;
  if (first === undefined) return '';
  const example = `${first.name}: ${savingText(first.saving)}`;
  if (others.length === 0) return `${example}, by the means over seeds.`;
  const fewer = found.filter(({ saving }) => isSaving(saving));
  return (
    `By the means over seeds, step-by-step needs less data than standard training for the same accuracy in ` +
    `${fewer.length} of ${found.length} settings. ${example}.`
  );
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
    const gap = gapText(100 * ((best.accuracy.mean ?? 0) - teacher.labelAccuracy));
    return [`${best.settings.dataset} ${percent(teacher.labelAccuracy)} % (the best cell is ${gap})`];
  });
  return gaps.length === 0 ? '' : `The teacher itself is right in so many test rows: ${gaps.join(', ')}.`;
}

function gapText(points: number): string {
  return `${Math.abs(points).toFixed(1)} points ${points < 0 ? 'below' : 'above'} that`;
}

function signed(points: number): string {
  return `${points >= 0 ? '+' : '−'}${Math.abs(points).toFixed(1)}`;
}
