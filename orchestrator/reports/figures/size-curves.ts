/** Test accuracy against the size of the model: how small it may be. */
import { meanInterval } from '../../core/statistics/student-t.js';
import { keyOfCell, keyWithout } from '../cell-groups.js';
import { type Cell, isPresent } from '../cells.js';
import { percent } from '../format.js';
import { grouped } from '../grouped.js';
import { METHODS } from '../methods.js';
import type { SweepReport, TeacherQuality } from '../sweep-report.js';
import { teacherOf } from '../teacher-of.js';
import { type ChartPoint, chartPoint } from './chart-point.js';
import type { LineChart } from './line-chart.js';

export interface SizeCurves {
  readonly name: string;
  readonly chart: LineChart;
  /** Of each method, the smallest model that is as good as the teacher. */
  readonly lines: readonly string[];
}

/** Parameters of a model, by the name that settings have; `null`: not known. */
export type ParametersOf = (model: string) => number | null;

/** What people set by the size of the model; where it differs along a line, that is said. */
const BY_SIZE = ['batch_size', 'grad_steps'] as const;

/** One for each dataset and kind of label of which models of several sizes were trained. */
export function sizeCurves({
  cells,
  teachers,
  parameters,
}: Pick<SweepReport, 'cells' | 'teachers' | 'parameters'>): readonly SizeCurves[] {
  const parametersOf = (model: string) => parameters[model] ?? null;
  const sized = cells.filter(
    ({ accuracy, settings }) => accuracy.mean !== null && parametersOf(settings.model) !== null,
  );
  const groups = grouped(sized, ({ settings }) =>
    keyWithout(settings, ['model', 'model_type', 'alpha', 'llm', 'gen_max_len', ...BY_SIZE]),
  );
  return groups
    .flatMap(apart)
    .filter((group) => new Set(group.map(({ settings }) => parametersOf(settings.model))).size > 1)
    .map((group, place) => curvesOf(group, place, teachers, (cell) => parametersOf(cell.settings.model) ?? 0));
}

/** Large models may run on other devices than small ones; a model that ran on several is no reason to mix these. */
function apart(group: readonly [Cell, ...Cell[]]): readonly (readonly [Cell, ...Cell[]])[] {
  const isApart = new Set(group.map(({ settings }) => keyOfCell(settings))).size < group.length;
  return isApart ? grouped(group, ({ environmentKey }) => environmentKey) : [group];
}

function curvesOf(
  group: readonly [Cell, ...Cell[]],
  place: number,
  teachers: readonly TeacherQuality[],
  sizeOf: (cell: Cell) => number,
): SizeCurves {
  const [{ settings, environmentText }] = group;
  const labels = settings.label_type === 'gt' ? 'gold' : 'teacher';
  const share = settings.subsample === 1 ? '' : `, ${Number((100 * settings.subsample).toPrecision(3))} % of the data`;
  const environments = new Set(group.map((cell) => cell.environmentText));
  const environment = environments.size > 1 || environmentText === '' ? '' : `, ${environmentText}`;
  const name = `${settings.dataset}, ${labels} labels${share}${environment}`;
  const curves = grouped(group, (cell) => keyWithout(cell.settings, ['model', ...BY_SIZE])).map((curve) => ({
    name: seriesName(curve[0], group),
    cells: curve.toSorted((a, b) => sizeOf(a) - sizeOf(b)),
  }));
  const teacher = teacherOf(settings, teachers);
  const goal = teacher?.labelAccuracy ?? null;
  return {
    name,
    lines: [
      ...(goal === null ? [] : curves.map((curve) => `${curve.name}: ${reachText(curve.cells, goal, sizeOf)}`)),
      ...BY_SIZE.flatMap((setting) => differingText(group, setting, ({ settings: own }) => String(own[setting]))),
      ...differingText(group, 'the environment', (cell) => cell.environmentText),
    ],
    chart: {
      id: `size-${place}`,
      title: `Test accuracy against model size: ${name}`,
      description: curves
        .map((curve) => `${curve.name}: ${curve.cells.map((cell) => pointText(cell, sizeOf)).join(', ')}`)
        .join('. '),
      xTitle: 'parameters, millions (logarithmic)',
      yTitle: 'test accuracy, %',
      isLogarithmic: true,
      series: curves.map((curve) => ({ name: curve.name, points: curve.cells.map((cell) => pointOf(cell, sizeOf)) })),
      reference: goal === null ? null : { name: 'the teacher', y: 100 * goal },
      crossings: [],
      xText: (millions) => String(Number(millions.toPrecision(3))),
    },
  };
}

function seriesName({ settings }: Cell, group: readonly Cell[]): string {
  const alike = group.map((each) => each.settings).filter((each) => each.model_type === settings.model_type);
  const details = (['alpha', 'llm'] as const)
    .filter((name) => settings[name] !== null && new Set(alike.map((each) => each[name])).size > 1)
    .map((name) => `${name} ${settings[name]}`);
  return [METHODS[settings.model_type], ...details].join(', ');
}

function pointOf(cell: Cell, sizeOf: (cell: Cell) => number): ChartPoint {
  return chartPoint(sizeOf(cell) / 1e6, cell.seeds.map(({ testAccuracy }) => testAccuracy).filter(isPresent));
}

function pointText(cell: Cell, sizeOf: (cell: Cell) => number): string {
  return `${percent(cell.accuracy.mean)} % with ${cell.settings.model} (${millionsText(sizeOf(cell))})`;
}

function millionsText(parameters: number): string {
  return `${Number((parameters / 1e6).toPrecision(3)).toLocaleString('en')} M`;
}

/** No size between two that were trained is made up. */
function reachText(curve: readonly Cell[], goal: number, sizeOf: (cell: Cell) => number): string {
  const smallest = curve.find(({ accuracy }) => (accuracy.mean ?? 0) >= goal);
  const teacher = `the teacher's ${percent(goal)} %`;
  if (smallest === undefined) return `no model of those that were trained comes to ${teacher}`;
  const interval = meanInterval(smallest.accuracy);
  const isSure = interval !== null && interval.low >= goal;
  return (
    `the smallest model that comes to ${teacher} is ${smallest.settings.model} (${millionsText(sizeOf(smallest))} parameters), with ` +
    `${percent(smallest.accuracy.mean)} %${isSure ? '' : '; its 95 % interval does not show that other seeds would'}`
  );
}

function differingText(group: readonly Cell[], what: string, textOf: (cell: Cell) => string): readonly string[] {
  const values = new Map(group.map((cell) => [cell.settings.model, textOf(cell)]));
  if (new Set(values.values()).size < 2) return [];
  return [`${what} is not the same for all: ${[...values].map(([model, value]) => `${model} ${value}`).join(', ')}`];
}
