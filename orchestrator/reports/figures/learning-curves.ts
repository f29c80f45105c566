/** Validation accuracy along training, mean over the seeds of a cell. */
import type { TrialMeasurements } from '../../core/records.js';
import type { Cell } from '../cells.js';
import { grouped } from '../grouped.js';
import { METHODS } from '../methods.js';
import { type ChartPoint, chartPoint } from './chart-point.js';
import { MOST_SERIES } from './chart-style.js';
import type { LineChart } from './line-chart.js';

export interface CurvePoint {
  readonly step: number;
  readonly accuracy: number;
}

export type CurveOf = (trialId: string) => readonly CurvePoint[];

/** Each is read once: the page and the figures ask for the same few, and they lie on a disk. */
export function validationCurves(measurementsOf: (trialId: string) => TrialMeasurements): CurveOf {
  const known = new Map<string, readonly CurvePoint[]>();
  return (trialId) => {
    const curve = known.get(trialId) ?? validCurve(measurementsOf(trialId));
    known.set(trialId, curve);
    return curve;
  };
}

function validCurve({ evaluations }: TrialMeasurements): readonly CurvePoint[] {
  return evaluations.filter(({ split }) => split === 'valid').map(({ step, accuracy }) => ({ step, accuracy }));
}

/** A page with more of them is for nobody. */
const MOST_CHARTS = 12;
/** Of single seeds: more than that in a chart are fog, and a page of such charts is slow. */
const MOST_DOTS = 600;

/** One for each model, dataset and kind of label; the first so many. */
export function learningCurves(cells: readonly Cell[], curveOf: CurveOf): readonly LineChart[] {
  const groups = grouped(
    cells.filter(({ accuracy }) => accuracy.n > 0),
    ({ settings: { model, dataset, label_type } }) => JSON.stringify([model, dataset, label_type]),
  );
  return groups.slice(0, MOST_CHARTS).flatMap((group, place) => {
    const chart = chartOf(group, place, curveOf);
    // A single evaluation is no curve; its number is in the tables.
    return chart.series.some(({ points }) => points.length > 1) ? [chart] : [];
  });
}

function chartOf(group: readonly [Cell, ...Cell[]], place: number, curveOf: CurveOf): LineChart {
  const [{ settings }] = group;
  const name = `${settings.model} on ${settings.dataset}, ${settings.label_type === 'gt' ? 'gold' : 'teacher'} labels`;
  const varying = varyingOf(group);
  const drawn = group
    .slice(0, MOST_SERIES)
    .map((cell) => ({ name: nameOf(cell, varying), curves: curvesOf(cell, curveOf) }));
  const hasDots = drawn.flatMap(({ curves }) => curves.flat()).length <= MOST_DOTS;
  const series = drawn
    .map(({ name: own, curves }) => ({ name: own, points: pointsOf(curves, hasDots) }))
    .filter(({ points }) => points.length > 0);
  const last = ({ points }: { readonly points: readonly ChartPoint[] }) => points.at(-1)?.y.toFixed(1);
  const left = group.length > MOST_SERIES ? ` ${group.length - MOST_SERIES} more cells are not drawn.` : '';
  return {
    id: `learning-${place}`,
    title: `Validation accuracy along training: ${name}`,
    description: `${series.map((each) => `${each.name}: ${last(each)} % at the end`).join('. ')}.${left}`,
    xTitle: 'optimizer steps',
    yTitle: 'validation accuracy, %',
    isLogarithmic: false,
    series,
    reference: null,
    crossings: [],
    xText: (x) => x.toLocaleString('en'),
  };
}

function curvesOf({ seeds }: Cell, curveOf: CurveOf): readonly (readonly CurvePoint[])[] {
  return seeds.filter(({ testAccuracy }) => testAccuracy !== null).map(({ trialId }) => curveOf(trialId));
}

function pointsOf(curves: readonly (readonly CurvePoint[])[], hasDots: boolean): readonly ChartPoint[] {
  return grouped(curves.flat(), ({ step }) => String(step))
    .map((each) =>
      chartPoint(
        each[0].step,
        each.map(({ accuracy }) => accuracy),
        { hasDots },
      ),
    )
    .sort((a, b) => a.x - b.x);
}

/** Settings besides the method by which the cells of a chart differ. */
function varyingOf(group: readonly Cell[]): readonly (keyof Cell['settings'])[] {
  const names = Object.keys(group[0]?.settings ?? {}) as (keyof Cell['settings'])[];
  const left = ['model_type', 'gen_max_len'];
  const valuesOf = (name: keyof Cell['settings']) => new Set(group.flatMap(({ settings }) => settings[name] ?? []));
  return names.filter((name) => !left.includes(name) && valuesOf(name).size > 1);
}

function nameOf({ settings, environmentText }: Cell, varying: readonly (keyof Cell['settings'])[]): string {
  const details = varying.filter((name) => settings[name] !== null).map((name) => `${name} ${settings[name]}`);
  return [METHODS[settings.model_type], ...details, ...(environmentText === '' ? [] : [environmentText])].join(', ');
}
