/** Test accuracy against the share of the training split: how much data a method saves. */
import type { ModelType } from '../../core/domain.js';
import { type Crossing, crossingOf } from '../../core/statistics/crossing.js';
import { type CrossingInterval, crossingInterval, LEAST_SEEDS } from '../../core/statistics/crossing-interval.js';
import { seededRandom } from '../../core/statistics/random.js';
import { sampleOf } from '../../core/statistics/sample.js';
import { isAlike } from '../../core/statistics/student-t.js';
import { keyWithout } from '../cell-groups.js';
import { type Cell, isPresent } from '../cells.js';
import { percent } from '../format.js';
import { grouped } from '../grouped.js';
import { METHODS } from '../methods.js';
import type { TeacherQuality } from '../sweep-report.js';
import { teacherOf } from '../teacher-of.js';
import { type ChartPoint, chartPoint } from './chart-point.js';
import type { ChartCrossing, LineChart } from './line-chart.js';

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
  /** Standard training is better with its largest share than with its smallest; else there is no data to save. */
  readonly isGain: boolean;
  /** That every cell has. */
  readonly commonSeeds: number;
  /** To other seeds; `null`: too few of them to say, or none differs from another. */
  readonly interval: CrossingInterval | null;
  /** Of the method: the least and the largest. */
  readonly tried: readonly [number, number];
}

const SEED = 20_233;

/** One for each model, dataset and kind of label of which several shares were trained on, on what compares. */
export function dataCurves(cells: readonly Cell[], teachers: readonly TeacherQuality[]): readonly DataCurves[] {
  const groups = grouped(
    cells.filter(({ accuracy }) => accuracy.mean !== null),
    ({ settings, environmentKey }) =>
      keyWithout(settings, ['subsample', 'model_type', 'alpha', 'llm', 'gen_max_len']) + environmentKey,
  );
  return groups.flatMap((group, place) => {
    const shares = new Set(group.map(({ settings }) => settings.subsample));
    return shares.size < 2 ? [] : [curvesOf(group, place, teachers)];
  });
}

function curvesOf(group: readonly [Cell, ...Cell[]], place: number, teachers: readonly TeacherQuality[]): DataCurves {
  const [{ settings, environmentText }] = group;
  const labels = settings.label_type === 'gt' ? 'gold' : 'teacher';
  const name = `${settings.model} on ${settings.dataset}, ${labels} labels${environmentText === '' ? '' : `, ${environmentText}`}`;
  const curves = grouped(group, byAllButShare).map((curve) => ({
    name: seriesName(curve[0], group),
    cells: curve.toSorted((a, b) => a.settings.subsample - b.settings.subsample),
  }));
  const teacher = teacherOf(settings, teachers);
  const savings = savingsOf(group);
  return {
    name,
    savings,
    chart: {
      id: `data-${place}`,
      title: `Test accuracy against training data: ${name}`,
      description: curves.map((curve) => `${curve.name}: ${curve.cells.map(pointText).join(', ')}`).join('. '),
      xTitle: 'share of the training split, % (logarithmic)',
      yTitle: 'test accuracy, %',
      isLogarithmic: true,
      series: curves.map((curve) => ({ name: curve.name, points: curve.cells.map(pointOf) })),
      reference: teacher === null ? null : { name: 'the teacher', y: 100 * teacher.labelAccuracy },
      crossings: savings.flatMap(crossingMark),
      xText: (x) => String(Number(x.toPrecision(3))),
    },
  };
}

/** None where there is nothing to save, or no share that was tried is enough. */
function crossingMark({ method, accuracy, crossing, fullShare, isGain: isSaving }: Saving): readonly ChartCrossing[] {
  if (!isSaving || crossing.kind !== 'reached' || crossing.share >= fullShare) return [];
  return [{ name: method, x: 100 * crossing.share, y: 100 * accuracy, fromX: 100 * fullShare }];
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

function pointOf({ settings, seeds }: Cell): ChartPoint {
  return chartPoint(100 * settings.subsample, seeds.map(({ testAccuracy }) => testAccuracy).filter(isPresent));
}

function pointText({ settings, accuracy }: Cell): string {
  return `${(100 * (accuracy.mean ?? 0)).toFixed(1)} % at ${Number((100 * settings.subsample).toPrecision(3))} %`;
}

function savingsOf(group: readonly Cell[]): readonly Saving[] {
  const others = group.filter(({ settings }) => settings.model_type !== 'standard');
  return grouped(others, byAllButShare).flatMap((curve) => {
    const [{ settings }] = curve;
    // A standard cell reads a teacher only for its labels, and then the method must have read the same.
    const standards = group
      .filter((each) => each.settings.model_type === 'standard')
      .filter((each) => each.settings.llm === null || each.settings.llm === settings.llm)
      .toSorted((x, y) => y.settings.subsample - x.settings.subsample);
    const [full] = standards;
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
        isGain: isGain(standards),
        ...intervalOf(curve, full),
        tried: [Math.min(...points.map(({ share }) => share)), Math.max(...points.map(({ share }) => share))],
      },
    ];
  });
}

/** @param standards the largest share first */
function isGain(standards: readonly Cell[]): boolean {
  const [largest, smallest] = [standards[0], standards.at(-1)].map((cell) => cell?.accuracy.mean ?? 0);
  return standards.length < 2 ? (largest ?? 0) > 0 : (largest ?? 0) > (smallest ?? 0);
}

/** Over the seeds that every cell has a result for; those that agree everywhere say nothing of how others may lie. */
function intervalOf(curve: readonly Cell[], full: Cell): Pick<Saving, 'interval' | 'commonSeeds'> {
  const bySeed = [full, ...curve].map(
    ({ seeds }) => new Map(seeds.map(({ seed, testAccuracy }) => [seed, testAccuracy])),
  );
  const common = full.seeds.map(({ seed }) => seed).filter((seed) => bySeed.every((cell) => isPresent(cell.get(seed))));
  const [goal = [], ...rest] = bySeed.map((cell) => common.map((seed) => cell.get(seed) ?? 0));
  const shares = curve.map(({ settings }, place) => ({ share: settings.subsample, accuracies: rest[place] ?? [] }));
  const isAllAlike = [goal, ...rest].every((accuracies) => isAlike(sampleOf(accuracies)));
  const interval = isAllAlike ? null : crossingInterval(shares, goal, seededRandom(SEED));
  return { interval, commonSeeds: common.length };
}

/** `step-by-step needs 38 % [31–47] of the data for the 71.2 % that standard training reaches with all of it`. */
export function savingText(saving: Saving): string {
  const { method, accuracy, fullShare, crossing, isGain: isSaving } = saving;
  if (!isSaving) {
    return `standard training is no better with ${shareText(fullShare)} of the data than with the least that was tried, so there is no data for ${method} to save`;
  }
  const full = fullShare === 1 ? 'all of it' : shareText(fullShare);
  const goal = `the ${percent(accuracy)} % that standard training reaches with ${full}`;
  switch (crossing.kind) {
    case 'reached':
      return `${method} needs ${shareNumber(crossing.share)} %${rangeText(saving)} of the data for ${goal}${seedsText(saving)}`;
    case 'always':
      return `${method} needs no more than ${shareText(crossing.share)} of the data, the least that was tried, for ${goal}${seedsText(saving)}`;
    case 'never':
      return `${method} does not come to ${goal}, with any share of the data that was tried${seedsText(saving)}`;
  }
}

/** ` [31–47]`, ` [≤12.5–47]`, ` [31–>100]`. */
function rangeText({ interval, tried: [least, most] }: Saving): string {
  if (interval === null) return '';
  const tried = (share: number) => Number((100 * share).toPrecision(3));
  const low = interval.low === null ? `≤${tried(least)}` : shareNumber(interval.low);
  const high = interval.high === null ? `>${tried(most)}` : shareNumber(interval.high);
  return ` [${low}–${high}]`;
}

/** What is known of other seeds, beyond the interval in brackets. */
function seedsText({ crossing, interval, commonSeeds, tried: [least, most] }: Saving): string {
  if (interval === null) {
    return commonSeeds < LEAST_SEEDS
      ? `; whether other seeds agree is not known, since fewer than ${LEAST_SEEDS} have every share`
      : '; whether other seeds agree is not known, since these are all alike';
  }
  const [low, high] = [interval.low ?? 0, interval.high ?? Infinity];
  const isAny = low <= least && high > most;
  if (isAny) return '; of other seeds this says nothing: the 95 % interval holds every share that was tried, and more';
  const end = high > most ? 'more than was tried' : `${shareNumber(high)} %`;
  switch (crossing.kind) {
    case 'reached':
      return '';
    case 'always':
      return high <= least
        ? '; the 95 % interval to other seeds agrees'
        : `; the 95 % interval to other seeds goes up to ${end}`;
    case 'never':
      return low > most
        ? '; the 95 % interval to other seeds agrees'
        : `; the 95 % interval to other seeds goes from ${shareNumber(low)} % of the data to ${end}`;
  }
}

function shareNumber(share: number): string {
  return String(Number((100 * share).toPrecision(2)));
}

function shareText(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
