/** A line chart: a few series over a common axis, and where its marks lie. */
import { scaleLinear, scaleLog } from 'd3-scale';
import { area, line } from 'd3-shape';
import { extentOf } from '../extent.js';
import type { ChartPoint } from './chart-point.js';
import { lineLookOf } from './chart-style.js';
import type { Mark, MarkGroup } from './marks.js';

export interface ChartSeries {
  readonly name: string;
  /** In order of x. */
  readonly points: readonly ChartPoint[];
}

/** Where a series comes to the height that another has further on. */
export interface ChartCrossing {
  /** Of the series. */
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** Where the other has it. */
  readonly fromX: number;
}

export interface LineChart {
  /** Unique on its page, of letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  /** In words, for who does not see it. */
  readonly description: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly isLogarithmic: boolean;
  readonly series: readonly ChartSeries[];
  /** A horizontal line, such as the teacher's accuracy, which its legend names. */
  readonly reference: { readonly name: string; readonly y: number } | null;
  readonly crossings: readonly ChartCrossing[];
  readonly xText: (x: number) => string;
}

export const WIDTH = 640;
export const HEIGHT = 360;
const MARGIN = { top: 16, right: 24, bottom: 48, left: 56 };
const [LEFT, RIGHT, BOTTOM] = [MARGIN.left, WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];

/** All that is seen of it, within `WIDTH` and `HEIGHT`. */
export function chartMarks(chart: LineChart): readonly MarkGroup[] {
  const { series, reference } = chart;
  const all = series.flatMap(({ points }) => points);
  const xs = all.map(({ x }) => x);
  const ys = [
    ...all.flatMap(({ y, low, high, dots }) => [y, low ?? y, high ?? y, ...dots]),
    ...(reference === null ? [] : [reference.y]),
  ];
  const toX = (chart.isLogarithmic ? scaleLog() : scaleLinear())
    .domain(widened(extentOf(xs), chart.isLogarithmic))
    .range([LEFT, RIGHT]);
  const [lowest, highest] = widened(extentOf(ys), false);
  const toY = scaleLinear()
    .domain([Math.max(0, lowest), Math.min(100, highest)])
    .nice(6)
    .range([BOTTOM, MARGIN.top]);
  // The values that were measured, and not round ones between them; as many as there is room for.
  const values = [...new Set(xs)].sort((a, b) => a - b);
  const [, letters] = extentOf(values.map((x) => chart.xText(x).length));
  const ticks = thinned(values, toX, letters);
  const scales = { toX, toY };
  return [
    {
      series: null,
      marks: [
        ...toY.ticks(6).flatMap((y) => gridMarks(y, toY)),
        ...ticks.map((x) => middle('tick', chart.xText(x), toX(x), BOTTOM + 20)),
        middle('axis', chart.xTitle, (LEFT + RIGHT) / 2, HEIGHT - 8),
        { ...middle('axis', chart.yTitle, 16, (MARGIN.top + BOTTOM) / 2), isUpright: true },
        ...(reference === null ? [] : [level('across', toY(reference.y))]),
      ],
    },
    ...chart.crossings.map((crossing) => crossingMarks(crossing, chart, scales)),
    ...series.map((each, place) => seriesMarks(each, place, scales)),
  ];
}

interface Scales {
  readonly toX: (x: number) => number;
  readonly toY: (y: number) => number;
}

function gridMarks(y: number, toY: Scales['toY']): readonly Mark[] {
  const at = toY(y);
  return [level('grid', at), { kind: 'text', look: 'tick', text: String(y), x: LEFT - 8, y: at + 4, anchor: 'end' }];
}

function level(look: 'grid' | 'across', y: number): Mark {
  return { kind: 'line', look, from: [LEFT, y], to: [RIGHT, y] };
}

function middle(look: 'tick' | 'axis', text: string, x: number, y: number): Mark & { readonly kind: 'text' } {
  return { kind: 'text', look, text, x, y, anchor: 'middle' };
}

function seriesMarks({ points }: ChartSeries, place: number, { toX, toY }: Scales): MarkGroup {
  const path = line<ChartPoint>(
    ({ x }) => toX(x),
    ({ y }) => toY(y),
  ).digits(1)(points);
  const dots = points.flatMap(({ x, dots: each }) =>
    each.map((y): Mark => ({ kind: 'circle', look: 'dot', x: toX(x), y: toY(y), r: 2.5 })),
  );
  const means = points.map(({ x, y }): Mark => ({ kind: 'circle', look: 'mean', x: toX(x), y: toY(y), r: 4 }));
  return {
    series: place,
    marks: [
      ...spreadsOf(points).flatMap((spread) => spreadMarks(spread, { toX, toY })),
      { kind: 'path', look: lineLookOf(place), d: path ?? '' },
      ...dots,
      ...means,
    ],
  };
}

interface Spread {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Points side by side whose spread is known. One of which nothing is known, of a single seed, ends a band, so that none
 * runs through it; where all seeds agree, a band has no width.
 */
function spreadsOf(points: readonly ChartPoint[]): readonly (readonly Spread[])[] {
  const runs: Spread[][] = [[]];
  for (const { x, y, low, high, isAlike } of points) {
    if (low !== null && high !== null) runs.at(-1)?.push({ x, low, high });
    else if (isAlike) runs.at(-1)?.push({ x, low: y, high: y });
    else runs.push([]);
  }
  return runs.filter((run) => run.some(({ low, high }) => low < high));
}

/** Half of the line that ends a bar. */
const CAP = 5;

/** A band; of one point alone, which has nothing to go on to, a bar. */
function spreadMarks(run: readonly Spread[], { toX, toY }: Scales): readonly Mark[] {
  const [first, ...others] = run;
  if (first !== undefined && others.length === 0) {
    const [x, low, high] = [toX(first.x), toY(first.low), toY(first.high)].map(px) as [number, number, number];
    const [left, right] = [px(x - CAP), px(x + CAP)];
    return [{ kind: 'path', look: 'bar', d: `M${x},${low}V${high}M${left},${low}H${right}M${left},${high}H${right}` }];
  }
  const band = area<Spread>(
    ({ x }) => toX(x),
    ({ low }) => toY(low),
    ({ high }) => toY(high),
  ).digits(1)(run);
  return band === null ? [] : [{ kind: 'path', look: 'band', d: band }];
}

/** Across from where the other series has it, down to the axis, and there how much that is. */
function crossingMarks({ name, x, y, fromX }: ChartCrossing, chart: LineChart, { toX, toY }: Scales): MarkGroup {
  const [at, height] = [px(toX(x)), px(toY(y))];
  const text = `${Number(x.toPrecision(2))} %`;
  return {
    series: chart.series.findIndex((each) => each.name === name),
    marks: [
      { kind: 'path', look: 'crossing', d: `M${px(toX(fromX))},${height}H${at}V${BOTTOM}` },
      { kind: 'text', look: 'share', text, x: toX(x) + 4, y: BOTTOM - 6, anchor: 'start' },
    ],
  };
}

/** Room around the outermost values, also where there is only one. */
function widened([low, high]: ReturnType<typeof extentOf>, isLogarithmic: boolean): [number, number] {
  if (isLogarithmic) return [low / 1.15, high * 1.15];
  const room = Math.max((high - low) * 0.06, 0.5);
  return [low - room, high + room];
}

/** Of a letter and between two numbers, as large as a phone shows them. */
const LETTER = 11;
const BETWEEN = 8;

function thinned(values: readonly number[], toX: (x: number) => number, letters: number): readonly number[] {
  const room = letters * LETTER + BETWEEN;
  const kept: number[] = [];
  for (const value of values) {
    const last = kept.at(-1);
    if (last === undefined || toX(value) - toX(last) >= room) kept.push(value);
  }
  return kept;
}

/** To a tenth, which is less than anybody sees. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}
