/** Comparisons as plain text cells: what is held against what, and what came of it. */
import type { CellSettings } from '../core/records.js';
import { areApart, ENVIRONMENT, settingText } from './cell-names.js';
import { shownSettings } from './cells.js';
import { accuracyInPairs, type Comparison } from './comparisons.js';
import { intervalText, percent, percentSample, probability, signedPercentSample, withMinus } from './format.js';
import { ALPHA, isOfRows, type Significance, type TestName } from './inference.js';
import { METHODS } from './methods.js';
import { comparisonId } from './row-ids.js';
import type { SweepReport } from './sweep-report.js';
import { left, right, type Table } from './tables.js';

/** Of all comparisons, each once: `step-by-step against standard`, `alpha 0.3 against 0.5`. */
export function comparedTexts({ comparisons }: Pick<SweepReport, 'comparisons'>): readonly string[] {
  return [...new Set(comparisons.map(comparedText))];
}

function comparedText({ setting, baseline, candidate }: Comparison): string {
  const [first, second] = [candidate, baseline].map(({ settings }) =>
    setting === 'model_type' ? METHODS[settings.model_type] : settingText(settings[setting]),
  );
  return setting === 'model_type' ? `${first} against ${second}` : `${setting} ${first} against ${second}`;
}

interface ComparisonNames {
  readonly titles: readonly string[];
  readonly textsOf: (comparison: Comparison) => readonly string[];
}

/** What tells comparisons apart, whichever setting is compared: of a comparison, what its two cells have in common. */
function comparisonNames({ cells, comparisons }: SweepReport): ComparisonNames {
  const compared = new Set(comparisons.map(({ setting }) => setting));
  const shown = shownSettings(cells).filter((name) => compared.size > 1 || !compared.has(name));
  const isApart = areApart(cells);
  return {
    titles: isApart ? [...shown, ENVIRONMENT] : shown,
    textsOf: (comparison) => [
      ...shown.map((name) => commonText(comparison, name)),
      ...(isApart ? [environmentsText(comparison)] : []),
    ],
  };
}

function commonText({ setting, candidate }: Comparison, name: keyof CellSettings): string {
  return name === setting ? '–' : settingText(candidate.settings[name]);
}

function environmentsText({ baseline, candidate }: Comparison): string {
  return [...new Set([candidate.environmentText, baseline.environmentText])].join(' against ');
}

/** Of each comparison, as no other of its report is called: `step-by-step against standard: models/tiny, cqa, gt`. */
export function comparisonLabels(report: SweepReport): readonly string[] {
  const { textsOf } = comparisonNames(report);
  return report.comparisons.map((each) => `${comparedText(each)}: ${textsOf(each).join(', ')}`);
}

/** One row per pair of cells that differ in one setting alone. */
export function comparisonTable(report: SweepReport): Table {
  const { comparisons, declared } = report;
  const names = comparisonNames(report);
  const [only = '', ...others] = comparedTexts(report);
  const isOne = others.length === 0;
  const [first = 'first', second = 'second'] = isOne ? only.split(' against ') : [];
  return {
    columns: [
      ...(declared === null ? [] : [left('family')]),
      ...names.titles.map(left),
      ...(isOne ? [] : [left('compared')]),
      right(`${first} %`),
      right(`${second} %`),
      right('difference'),
      right('95 % interval'),
      right('pairs'),
      left('more than chance?'),
    ],
    rows: comparisons.map((comparison) => [
      ...(declared === null ? [] : [comparison.isDeclared ? 'declared' : 'exploratory']),
      ...names.textsOf(comparison),
      ...(isOne ? [] : [comparedText(comparison)]),
      percentSample(accuracyInPairs(comparison.candidate, comparison.pairs)),
      percentSample(accuracyInPairs(comparison.baseline, comparison.pairs)),
      signedPercentSample(comparison.difference),
      intervalText(comparison.inference.interval),
      pairCount(comparison),
      significanceText(comparison.inference.significance),
    ]),
    addresses: comparisons.map((comparison) => `comparisons.${comparisonId(comparison)}`),
  };
}

const TESTS: Readonly<Record<TestName, string>> = {
  flips: 'sign flips',
  t: 't',
  rows: 'McNemar, one seed',
  'row-flips': 'flips of row signs',
};

/**
 * `yes: p 0.004 (Holm, of 3) by sign flips`, and what stands in its place where there is none. A test of rows answers
 * another question than the column's, which is of seeds, and says so first.
 */
export function significanceText(significance: Significance): string {
  switch (significance.kind) {
    case 'tested': {
      const { adjusted, family, by } = significance;
      const correction = family > 1 ? ` (Holm, of ${family.toLocaleString('en')})` : '';
      const answer = adjusted < ALPHA ? 'yes' : 'not shown';
      const whose = isOfRows(by) ? `of these models' rows alone, ${answer}` : answer;
      return `${whose}: p ${probability(adjusted)}${correction} by ${TESTS[by]}`;
    }
    case 'untested':
      return `not tested: ${significance.reason}`;
  }
}

const ACROSS = '95 % interval to new seeds and rows';
/** Of the difference, and not of the effect size that stands beside it. */
const BOOTSTRAP = 'difference: 95 % interval by bootstrap';
export const FIRST_AGAINST_SECOND = 'first against second';

/** One row per pair of cells: whether the methods get the same test rows right. */
export function agreementTable(report: SweepReport): Table {
  const names = comparisonNames(report);
  const titles = ['rows', 'both %', 'only the first %', 'only the second %', 'neither %'];
  const isAcross = report.comparisons.some(({ inference }) => inference.acrossRows !== null);
  return {
    columns: [
      ...names.titles.map(left),
      left(FIRST_AGAINST_SECOND),
      ...[...titles, ...(isAcross ? [ACROSS] : [])].map(right),
    ],
    rows: report.comparisons.flatMap((comparison) => {
      const { agreement, acrossRows } = comparison.inference;
      if (agreement === null) return [];
      const { rows, both, onlyFirst, onlySecond, neither } = agreement;
      return [
        [
          ...names.textsOf(comparison),
          comparedText(comparison),
          String(rows),
          ...[both, onlySecond, onlyFirst, neither].map((count) => percent(count / rows)),
          ...(isAcross ? [intervalText(acrossRows)] : []),
        ],
      ];
    }),
  };
}

/** One row per pair of cells: how large the difference is beside its spread, and how many seeds would make it sure. */
export function sizeTable(report: SweepReport): Table {
  const names = comparisonNames(report);
  const isBootstrapped = report.comparisons.some(({ inference }) => inference.bootstrap !== null);
  return {
    columns: [
      ...names.titles.map(left),
      left(FIRST_AGAINST_SECOND),
      right('effect size'),
      ...(isBootstrapped ? [right(BOOTSTRAP)] : []),
      right('seeds in all for ±1 point'),
    ],
    rows: report.comparisons.flatMap((comparison) => {
      const { effectSize, bootstrap, seedsNeeded } = comparison.inference;
      if (effectSize === null && seedsNeeded === null) return [];
      return [
        [
          ...names.textsOf(comparison),
          comparedText(comparison),
          effectSize === null ? '–' : withMinus(effectSize.toFixed(2)),
          ...(isBootstrapped ? [intervalText(bootstrap)] : []),
          seedsNeeded === null ? '–' : seedsNeeded.toLocaleString('en'),
        ],
      ];
    }),
  };
}

function pairCount({ pairs, unpaired }: Comparison): string {
  const positive = pairs.filter(({ difference }) => difference > 0).length;
  const all = unpaired.length > 0 ? ` of ${pairs.length + unpaired.length}` : '';
  return `${pairs.length}${all} (${positive} positive)`;
}
