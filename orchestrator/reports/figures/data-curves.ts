/** Test accuracy against the share of the training split: how much data a method saves. */
import type { ModelType } from '../../core/domain.js';
import { type Crossing, crossingOf } from '../../core/statistics/crossing.js';
import { meanInterval } from '../../core/statistics/student-t.js';
import { type Cell, isPresent, keyWithout } from '../cells.js';
import { grouped } from '../grouped.js';
import { METHODS } from '../methods.js';
import type { TeacherQuality } from '../sweep-report.js';
import { teacherOf } from '../teacher-of.js';
import type { LineChart } from './line-chart.js';

export interface DataCurves {
  /** What the curves have in common, in words. */
  readonly name: string;
  readonly chart: LineChart;
  readonly savings: readonly Saving[];
}

/** How much data a method needs for the accuracy of standard training on the largest share. */
export interface Saving {
  readonly method: string;
  readonly modelType: ModelType;
  /** Of the cell that has the fewest. */
  readonly leastSeeds: number;
  readonly accuracy: number;
  readonly fullShare: number;
  readonly crossing: Crossing;
}

/** One for each model, dataset and kind of label of which several shares were trained on. */
export function dataCurves(cells: readonly Cell[], teachers: readonly TeacherQuality[]): readonly DataCurves[] {
  const groups = grouped(
    cells.filter(({ accuracy }) => accuracy.mean !== null),
    ({ settings }) => keyWithout(settings, ['subsample', 'model_type', 'alpha', 'llm', 'gen_max_len']),
  );
  return groups.flatMap((group, place) => {
    const shares = new Set(group.map(({ settings }) => settings.subsample));
    return shares.size < 2 ? [] : [curvesOf(group, place, teachers)];
  });
}

function curvesOf(group: readonly [Cell, ...Cell[]], place: number, teachers: readonly TeacherQuality[]): DataCurves {
  const [{ settings }] = group;
  const name = `${settings.model} on ${settings.dataset}, ${settings.label_type === 'gt' ? 'gold' : 'teacher'} labels`;
  const curves = grouped(group, byAllButShare).map((curve) => ({
    name: seriesName(curve[0], group),
    cells: curve.toSorted((a, b) => a.settings.subsample - b.settings.subsample),
  }));
  const teacher = teacherOf(settings, teachers);
  return {
    name,
    savings: savingsOf(group),
    chart: {
      id: `data-${place}`,
      title: `Test accuracy against training data: ${name}`,
      description: curves.map((curve) => `${curve.name}: ${curve.cells.map(pointText).join(', ')}`).join('. '),
      xTitle: 'share of the training split, % (logarithmic)',
      yTitle: 'test accuracy, %',
      isLogarithmic: true,
      series: curves.map((curve) => ({ name: curve.name, points: curve.cells.map(pointOf) })),
      reference: teacher === null ? null : { name: 'the teacher', y: 100 * teacher.labelAccuracy },
      xText: (x) => String(Number(x.toPrecision(3))),
    },
  };
}

function byAllButShare({ settings }: Cell): string {
  return keyWithout(settings, ['subsample']);
}

/** With what tells it from others of the group that have the same method. */
function seriesName({ settings }: Cell, group: readonly Cell[]): string {
  const { model_type } = settings;
  const alike = group.map((each) => each.settings).filter((each) => each.model_type === model_type);
  const details = (['alpha', 'llm'] as const)
    .filter((name) => settings[name] !== null && new Set(alike.map((each) => each[name])).size > 1)
    .map((name) => `${name} ${settings[name]}`);
  return [METHODS[model_type], ...details].join(', ');
}

function pointOf({ settings, accuracy, seeds }: Cell) {
  const interval = meanInterval(accuracy);
  return {
    x: 100 * settings.subsample,
    y: 100 * (accuracy.mean ?? 0),
    low: interval === null ? null : 100 * Math.max(0, interval.low),
    high: interval === null ? null : 100 * Math.min(1, interval.high),
    dots: seeds
      .map(({ testAccuracy }) => testAccuracy)
      .filter(isPresent)
      .map((each) => 100 * each),
  };
}

function pointText({ settings, accuracy }: Cell): string {
  return `${(100 * (accuracy.mean ?? 0)).toFixed(1)} % at ${Number((100 * settings.subsample).toPrecision(3))} %`;
}

function savingsOf(group: readonly Cell[]): readonly Saving[] {
  const others = group.filter(({ settings }) => settings.model_type !== 'standard');
  return grouped(others, byAllButShare).flatMap((curve) => {
    const [{ settings }] = curve;
    // A standard cell reads a teacher only for its labels, and then the method must have read the same.
    const full = group
      .filter((each) => each.settings.model_type === 'standard')
      .filter((each) => each.settings.llm === null || each.settings.llm === settings.llm)
      .toSorted((x, y) => y.settings.subsample - x.settings.subsample)[0];
    if (full === undefined || full.accuracy.mean === null) return [];
    const accuracy = full.accuracy.mean;
    const points = curve.map((cell) => ({ share: cell.settings.subsample, accuracy: cell.accuracy.mean ?? 0 }));
    return [
      {
        method: seriesName(curve[0], group),
        modelType: settings.model_type,
        accuracy,
        fullShare: full.settings.subsample,
        leastSeeds: Math.min(full.accuracy.n, ...curve.map((cell) => cell.accuracy.n)),
        crossing: crossingOf(points, accuracy),
      },
    ];
  });
}

/** `step-by-step needs 38 % of the data for the 71.2 % that standard training reaches with all of it`. */
export function savingText({ method, accuracy, fullShare, crossing }: Saving): string {
  const full = fullShare === 1 ? 'all of it' : shareText(fullShare);
  const goal = `the ${(100 * accuracy).toFixed(1)} % that standard training reaches with ${full}`;
  switch (crossing.kind) {
    case 'reached':
      return `${method} needs ${shareText(crossing.share)} of the data for ${goal}`;
    case 'always':
      return `${method} needs no more than ${shareText(crossing.share)} of the data, the least that was tried, for ${goal}`;
    case 'never':
      return `${method} does not come to ${goal}, with any share of the data that was tried`;
  }
}

function shareText(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
