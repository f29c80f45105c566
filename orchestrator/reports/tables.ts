/** The report's tables as plain text cells; each output format draws them its own way. */
import type { ModelType } from '../core/domain.js';
import { type Cell, type CellSettings, isPresent, missingSeeds, shownSettings } from './cells.js';
import type { Comparison } from './comparisons.js';
import { duration, gibibytes, percent, percentSample, rate, signedPercentSample } from './format.js';
import { isMixed, mixedLines } from './mixed-environment.js';
import type { SweepReport, TeacherQuality } from './sweep-report.js';

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
      ...(teachers.length > 0 ? [percent(teacherBeside(cell.settings, teachers))] : []),
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

/** The teacher's accuracy on the split that students are tested on; trained without one, any of the dataset's. */
function teacherBeside({ dataset, llm }: CellSettings, teachers: readonly TeacherQuality[]): number | null {
  const tested = teachers.filter((each) => each.dataset === dataset && each.split === 'test');
  const own = llm === null ? tested[0] : tested.find(({ teacher }) => teacher === llm);
  return own?.labelAccuracy ?? null;
}

const METHODS: Readonly<Record<ModelType, string>> = {
  standard: 'standard',
  task_prefix: 'step-by-step',
  single_task: 'single-task',
};

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
      right('pairs'),
    ],
    rows: comparisons.map((comparison) => [
      ...shown.map((name) => settingText(comparison.method.settings[name])),
      ...(isOne ? [] : [METHODS[comparison.method.settings.model_type]]),
      percentSample(comparison.standard.accuracy),
      percentSample(comparison.method.accuracy),
      signedPercentSample(comparison.difference),
      pairCount(comparison),
    ]),
  };
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
