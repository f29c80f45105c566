/** The report's tables as plain text cells; each output format draws them its own way. */
import { type Cell, type CellSettings, isPresent, missingSeeds, shownSettings } from './cells.js';
import type { Comparison } from './comparisons.js';
import {
  duration,
  gibibytes,
  intervalText,
  percent,
  percentSample,
  probability,
  rate,
  signedPercentSample,
} from './format.js';
import { ALPHA, type Significance, type TestName } from './inference.js';
import { METHODS } from './methods.js';
import { isMixed, mixedLines } from './mixed-environment.js';
import type { SweepReport, TeacherQuality } from './sweep-report.js';
import { teacherOf } from './teacher-of.js';

export interface Table {
  readonly columns: readonly { readonly title: string; readonly align: 'left' | 'right' }[];
  readonly rows: readonly (readonly string[])[];
}

const left = (title: string) => ({ title, align: 'left' as const });
const right = (title: string) => ({ title, align: 'right' as const });

function settingText(value: CellSettings[keyof CellSettings]): string {
  return value === null ? '–' : String(value);
}

/** One row per cell: test accuracy over its seeds. */
export function cellTable({ cells, teachers }: SweepReport): Table {
  const shown = shownSettings(cells);
  const hasChoices = cells.some(({ choiceAccuracy }) => choiceAccuracy.n > 0);
  return {
    columns: [
      ...shown.map(left),
      right('accuracy %'),
      ...(hasChoices ? [right('choices %')] : []),
      right('n'),
      ...(teachers.length > 0 ? [right('teacher %')] : []),
      right('steps'),
      right('time per trial'),
    ],
    rows: cells.map((cell) => [
      ...shown.map((name) => settingText(cell.settings[name])),
      percentSample(cell.accuracy),
      ...(hasChoices ? [percentSample(cell.choiceAccuracy)] : []),
      seedCount(cell),
      ...(teachers.length > 0 ? [percent(teacherOf(cell.settings, teachers)?.labelAccuracy ?? null)] : []),
      String(cell.settings.max_steps),
      duration(cell.seconds.mean),
    ]),
  };
}

/** `5`, or `3 of 5` when seeds have no result; `5, mixed` when they do not compare. */
function seedCount({ accuracy, seeds, mixedEnvironment }: Cell): string {
  const count = accuracy.n === seeds.length ? String(accuracy.n) : `${accuracy.n} of ${seeds.length}`;
  return isMixed(mixedEnvironment) ? `${count}, mixed` : count;
}

/** One line per cell whose seeds ran in different environments. */
export function mixedCellLines({ cells }: SweepReport): readonly string[] {
  const shown = shownSettings(cells);
  return cells
    .filter(({ mixedEnvironment }) => isMixed(mixedEnvironment))
    .map(({ settings, mixedEnvironment }) => {
      const cell = shown.map((name) => settingText(settings[name])).join(', ');
      return `mixed seeds in ${cell}: ${mixedLines(mixedEnvironment).join('; ')}`;
    });
}

/** What `comparisonTable` holds against standard training, in words. */
export function comparedMethods({ comparisons }: SweepReport): readonly string[] {
  return [...new Set(comparisons.map(({ method }) => METHODS[method.settings.model_type]))];
}

/** One row per pair of cells that differ in the method alone. */
export function comparisonTable(report: SweepReport): Table {
  const { cells, comparisons } = report;
  const shown = shownSettings(cells).filter((name) => name !== 'model_type');
  const [first = '', ...others] = comparedMethods(report);
  const isOne = others.length === 0;
  return {
    columns: [
      ...shown.map(left),
      ...(isOne ? [] : [left('method')]),
      right('standard %'),
      right(isOne ? `${first} %` : 'method %'),
      right('difference'),
      right('95 % interval'),
      right('pairs'),
      left('more than chance?'),
    ],
    rows: comparisons.map((comparison) => [
      ...shown.map((name) => settingText(comparison.method.settings[name])),
      ...(isOne ? [] : [METHODS[comparison.method.settings.model_type]]),
      percentSample(comparison.standard.accuracy),
      percentSample(comparison.method.accuracy),
      signedPercentSample(comparison.difference),
      intervalText(comparison.inference.interval),
      pairCount(comparison),
      significanceText(comparison.inference.significance),
    ]),
  };
}

const TESTS: Readonly<Record<TestName, string>> = { flips: 'sign flips', t: 't', rows: 'McNemar, one seed' };

/** `p 0.004 by sign flips`, and what stands in its place where there is none. */
function significanceText(significance: Significance): string {
  switch (significance.kind) {
    case 'tested': {
      const verdict = significance.adjusted < ALPHA ? 'yes' : 'not shown';
      return `${verdict}: p ${probability(significance.adjusted)} by ${TESTS[significance.by]}`;
    }
    case 'untested':
      return `not tested: ${significance.reason}`;
  }
}

/** One row per pair of cells: whether the methods get the same test rows right. */
export function agreementTable(report: SweepReport): Table {
  const shown = shownSettings(report.cells).filter((name) => name !== 'model_type');
  const titles = ['rows', 'both %', 'only standard %', 'only the method %', 'neither %', 'to new seeds and rows'];
  return {
    columns: [...shown.map(left), left('method'), ...titles.map(right)],
    rows: report.comparisons.flatMap(({ method, inference: { agreement, acrossRows } }) => {
      if (agreement === null) return [];
      const { rows, both, onlyFirst, onlySecond, neither } = agreement;
      return [
        [
          ...shown.map((name) => settingText(method.settings[name])),
          METHODS[method.settings.model_type],
          String(rows),
          ...[both, onlyFirst, onlySecond, neither].map((count) => percent(count / rows)),
          intervalText(acrossRows),
        ],
      ];
    }),
  };
}

/** Of comparisons whose interval is wider than a point to either side, how many seeds would make it so narrow. */
export function seedsNeededLines({ cells, comparisons }: SweepReport): readonly string[] {
  const shown = shownSettings(cells).filter((name) => name !== 'model_type');
  return comparisons.flatMap(({ method, difference, inference: { seedsNeeded } }) => {
    if (seedsNeeded === null || seedsNeeded <= difference.n) return [];
    const cell = shown.map((name) => settingText(method.settings[name])).join(', ');
    return [`${cell}: ${seedsNeeded.toLocaleString('en')} seeds in all`];
  });
}

function pairCount({ pairs, unpaired }: Comparison): string {
  const positive = pairs.filter(({ difference }) => difference > 0).length;
  const alone = unpaired.length > 0 ? `, seeds ${unpaired.join(' ')} unpaired` : '';
  return `${pairs.length} (${positive} positive${alone})`;
}

export function teacherTable(teachers: readonly TeacherQuality[]): Table {
  return {
    columns: [
      left('dataset'),
      left('teacher'),
      left('split'),
      right('rows'),
      right('labels right %'),
      right('rationales %'),
    ],
    rows: teachers.map(({ dataset, teacher, split, rows, labelAccuracy, rationaleCoverage }) => [
      dataset,
      teacher ?? 'its own',
      split,
      String(rows),
      percent(labelAccuracy),
      percent(rationaleCoverage),
    ]),
  };
}

/** One row per cell: how fast it trained and what it needed, over its seeds. */
export function measuresTable({ cells }: SweepReport): Table {
  const shown = shownSettings(cells);
  const titles = ['examples/s', 'tokens/s', 'with padding', 'MFU %', 'with padding', 'memory', 'predicted'];
  return {
    columns: [...shown.map(left), ...titles.map(right)],
    rows: cells
      .filter(({ measures }) => measures.examplesPerSecond.n > 0)
      .map(({ settings, measures }) => [
        ...shown.map((name) => settingText(settings[name])),
        rate(measures.examplesPerSecond.mean),
        rate(measures.usefulTokensPerSecond.mean),
        rate(measures.paddedTokensPerSecond.mean),
        percent(measures.mfuUseful.mean),
        percent(measures.mfuPadded.mean),
        gibibytes(measures.peakMemoryBytes),
        gibibytes(measures.predictedMemoryBytes),
      ]),
  };
}

/** One row per phase of all trials together. */
export function timeTable({ timeSpent }: SweepReport): Table {
  const { byPhase, totalSeconds } = timeSpent;
  const row = (phase: string, seconds: number) => [phase, duration(seconds), percent(seconds / totalSeconds)];
  return {
    columns: [left('phase'), right('time'), right('%')],
    rows: [...byPhase.map(({ phase, seconds }) => row(phase, seconds)), row('all', totalSeconds)],
  };
}

/** One row per cell: its time, and the share of each phase. */
export function cellTimeTable({ cells, timeSpent }: SweepReport): Table {
  const shown = shownSettings(cells);
  const phases = timeSpent.byPhase.map(({ phase }) => phase);
  return {
    columns: [...shown.map(left), right('time'), ...phases.map((phase) => right(`${phase} %`))],
    rows: cells
      .filter((cell) => cell.timeSpent.totalSeconds > 0)
      .map(({ settings, timeSpent: { byPhase, totalSeconds } }) => [
        ...shown.map((name) => settingText(settings[name])),
        duration(totalSeconds),
        ...phases.map((name) => {
          const spent = byPhase.find(({ phase }) => phase === name);
          return percent(spent === undefined ? null : spent.seconds / totalSeconds);
        }),
      ]),
  };
}

/** What the means leave out, a line per cell. */
export function missingLines({ cells }: SweepReport): readonly string[] {
  const shown = shownSettings(cells);
  return cells.flatMap((cell) => {
    const missing = missingSeeds(cell);
    if (missing.length === 0) return [];
    const name = shown
      .map((each) => cell.settings[each])
      .filter(isPresent)
      .join(' · ');
    const seeds = missing.map(({ seed, state, failure }) => `${seed} ${state}${failure ? ` (${failure.code})` : ''}`);
    return [`${name}: seed ${seeds.join(', ')}`];
  });
}

/** The first to fail first. */
export function failureLines({ failures }: SweepReport): readonly string[] {
  return failures.map(({ trialId, settings, attempts, code, message, hint }) => {
    const { model, dataset, label_type, model_type, seed } = settings;
    const what = `${model}, ${dataset}, ${label_type}, ${model_type}, seed ${seed}`;
    return `${trialId} (${what}), attempt ${attempts}: ${code}: ${message}${hint === '' ? '' : ` (${hint})`}`;
  });
}
