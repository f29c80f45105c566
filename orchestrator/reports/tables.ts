/** The report's tables as plain text cells; each output format draws them its own way. */
import { type Cell, type CellSettings, isPresent, missingSeeds, shownSettings } from './cells.js';
import type { Comparison } from './comparisons.js';
import { duration, percent, percentSample, signedPercentSample } from './format.js';
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
  return {
    columns: [
      ...shown.map(left),
      right('accuracy %'),
      right('n'),
      ...(teachers.length > 0 ? [right('teacher %')] : []),
      right('steps'),
      right('time per trial'),
    ],
    rows: cells.map((cell) => [
      ...shown.map((name) => settingText(cell.settings[name])),
      percentSample(cell.accuracy),
      seedCount(cell),
      ...(teachers.length > 0 ? [percent(teacherBeside(cell.settings, teachers))] : []),
      String(cell.settings.max_steps),
      duration(cell.seconds.mean),
    ]),
  };
}

/** `5`, or `3 of 5` when seeds have no result. */
function seedCount({ accuracy, seeds }: Cell): string {
  return accuracy.n === seeds.length ? String(accuracy.n) : `${accuracy.n} of ${seeds.length}`;
}

/** The teacher's accuracy on the split that students are tested on; trained without one, any of the dataset's. */
function teacherBeside({ dataset, llm }: CellSettings, teachers: readonly TeacherQuality[]): number | null {
  const tested = teachers.filter((each) => each.dataset === dataset && each.split === 'test');
  const own = llm === null ? tested[0] : tested.find(({ teacher }) => teacher === llm);
  return own?.labelAccuracy ?? null;
}

/** One row per pair of cells that differ in the method alone. */
export function comparisonTable({ cells, comparisons }: SweepReport): Table {
  const shown = shownSettings(cells).filter((name) => name !== 'model_type');
  return {
    columns: [...shown.map(left), right('standard %'), right('step-by-step %'), right('difference'), right('pairs')],
    rows: comparisons.map((comparison) => [
      ...shown.map((name) => settingText(comparison.stepByStep.settings[name])),
      percentSample(comparison.standard.accuracy),
      percentSample(comparison.stepByStep.accuracy),
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
