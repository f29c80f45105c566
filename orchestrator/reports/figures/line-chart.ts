/**
 * A line chart as SVG: a few series over a common axis. Colours are classes, so that the page around it decides them
 * for light, dark and paper.
 */
import { scaleLinear, scaleLog } from 'd3-scale';
import { area, line } from 'd3-shape';
import { html, joined, Markup } from '../html/markup.js';

export interface ChartPoint {
  readonly x: number;
  /** In percent, as all that follow. */
  readonly y: number;
  /** `null`: there is none. */
  readonly low: number | null;
  readonly high: number | null;
  /** Of single seeds. */
  readonly dots: readonly number[];
}

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
  /** A horizontal line, such as the teacher's accuracy. */
  readonly reference: { readonly name: string; readonly y: number } | null;
  readonly crossings: readonly ChartCrossing[];
  readonly xText: (x: number) => string;
}

export const WIDTH = 640;
export const HEIGHT = 360;
const MARGIN = { top: 16, right: 24, bottom: 48, left: 56 };
/** As many colours as a page has for series; more series begin again, with other dashes. */
export const COLOURS = 6;

export function lineChartSvg(chart: LineChart): Markup {
  const { id, title, description } = chart;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-text" class="chart">
<title id="${id}-title">${title}</title>
<desc id="${id}-text">${description}</desc>
${chartMarks(chart)}
</svg>`;
}

/** All that is seen of it, within `WIDTH` and `HEIGHT`. */
export function chartMarks(chart: LineChart): Markup {
  const { series, reference } = chart;
  const all = series.flatMap(({ points }) => points);
  const xs = all.map(({ x }) => x);
  const ys = [
    ...all.flatMap(({ y, low, high, dots }) => [y, low ?? y, high ?? y, ...dots]),
    ...(reference === null ? [] : [reference.y]),
  ];
  const toX = (chart.isLogarithmic ? scaleLog() : scaleLinear())
    .domain(widened(Math.min(...xs), Math.max(...xs), chart.isLogarithmic))
    .range([MARGIN.left, WIDTH - MARGIN.right]);
  const [lowest, highest] = widened(Math.min(...ys), Math.max(...ys), false);
  const toY = scaleLinear()
    .domain([Math.max(0, lowest), Math.min(100, highest)])
    .nice(6)
    .range([HEIGHT - MARGIN.bottom, MARGIN.top]);
  // The values that were measured, and not round ones between them; as many as there is room for.
  const ticks = thinned(
    [...new Set(xs)].sort((a, b) => a - b),
    toX,
    Math.max(0, ...xs.map((x) => chart.xText(x).length)),
  );
  const marks = { toX, toY };
  return html`${joined(
    toY.ticks(6).map(
      (
        y,
      ) => html`<g><line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${px(toY(y))}" y2="${px(toY(y))}"/>
<text class="tick" x="${MARGIN.left - 8}" y="${px(toY(y) + 4)}" text-anchor="end">${y}</text></g>`,
    ),
  )}
${joined(ticks.map((x) => html`<text class="tick" x="${px(toX(x))}" y="${HEIGHT - MARGIN.bottom + 20}" text-anchor="middle">${chart.xText(x)}</text>`))}
<text class="axis" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${chart.xTitle}</text>
<text class="axis" transform="rotate(-90)" x="${-(MARGIN.top + HEIGHT - MARGIN.bottom) / 2}" y="16" text-anchor="middle">${chart.yTitle}</text>
${reference === null ? '' : referenceSvg(reference, toY)}
${joined(chart.crossings.map((crossing) => crossingSvg(crossing, chart, marks)))}
${joined(series.map((each, place) => seriesSvg(each, place, marks)))}`;
}

/** Beside the chart, in the text of the page: it wraps where the chart would not. */
export function legendHtml({ series, reference }: LineChart): Markup {
  return html`<ul class="legend">${joined([
    ...series.map(
      ({ name }, place) => html`<li><span class="key ${classOf(place)}" aria-hidden="true"></span>${name}</li>`,
    ),
    ...(reference === null
      ? []
      : [html`<li><span class="key reference" aria-hidden="true"></span>${reference.name}</li>`]),
  ])}</ul>`;
}

interface Marks {
  readonly toX: (x: number) => number;
  readonly toY: (y: number) => number;
}

function seriesSvg({ points }: ChartSeries, place: number, { toX, toY }: Marks): Markup {
  const known = points.filter(
    (point): point is ChartPoint & { low: number; high: number } => point.low !== null && point.high !== null,
  );
  const band = area<{ x: number; low: number; high: number }>(
    ({ x }) => toX(x),
    ({ low }) => toY(low),
    ({ high }) => toY(high),
  ).digits(1)(known);
  const path = line<ChartPoint>(
    ({ x }) => toX(x),
    ({ y }) => toY(y),
  ).digits(1)(points);
  const dots = points.flatMap(({ x, dots: each }) =>
    each.map((y) => html`<circle class="dot" cx="${px(toX(x))}" cy="${px(toY(y))}" r="2.5"/>`),
  );
  const means = points.map(({ x, y }) => html`<circle class="mean" cx="${px(toX(x))}" cy="${px(toY(y))}" r="4"/>`);
  return html`<g class="series ${classOf(place)}">
${band === null || known.length < 2 ? '' : html`<path class="band" d="${new Markup(band)}"/>`}
<path class="line" d="${new Markup(path ?? '')}"/>
${joined([...dots, ...means])}
</g>`;
}

function referenceSvg({ name, y }: { readonly name: string; readonly y: number }, toY: (y: number) => number): Markup {
  const at = px(toY(y));
  return html`<g class="reference"><line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${at}" y2="${at}"/>
<text class="tick" x="${WIDTH - MARGIN.right}" y="${px(toY(y) - 6)}" text-anchor="end">${name}</text></g>`;
}

/** Across from where the other series has it, down to the axis, and there how much that is. */
function crossingSvg({ name, x, y, fromX }: ChartCrossing, chart: LineChart, { toX, toY }: Marks): Markup {
  const { series, reference } = chart;
  const [at, height, bottom] = [px(toX(x)), px(toY(y)), HEIGHT - MARGIN.bottom];
  const place = series.findIndex((each) => each.name === name);
  // Above the name of a line that lies there.
  const isTaken = reference !== null && bottom - toY(reference.y) < 32;
  return html`<g class="crossing ${classOf(place)}"><path d="M${px(toX(fromX))},${height}H${at}V${bottom}"/>
<text class="tick" x="${px(toX(x) + 4)}" y="${bottom - (isTaken ? 40 : 6)}">${Number(x.toPrecision(2))} %</text></g>`;
}

export function classOf(place: number): string {
  return `colour-${place % COLOURS}${place >= COLOURS ? ' dashed' : ''}`;
}

/** Room around the outermost values, also where there is only one. */
function widened(low: number, high: number, isLogarithmic: boolean): [number, number] {
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

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
