/** Charts on a page, each with its legend, its numbers and what it says. */
import { type DataCurves, savingText } from '../figures/data-curves.js';
import { type LineChart, legendHtml, lineChartSvg } from '../figures/line-chart.js';
import type { SizeCurves } from '../figures/size-curves.js';
import { capitalized, percent } from '../format.js';
import type { Table } from '../tables.js';
import { html, joined, type Markup } from './markup.js';
import { folded, list, note, table } from './page-frame.js';

const GALLERY_NOTE =
  'Lines are means over seeds, bands their 95 % intervals by t, small dots single seeds. Below each figure are its numbers.';

/** Side by side where there is room. */
export function gallery(figures: readonly Markup[]): readonly Markup[] {
  return figures.length === 0 ? [] : [note(GALLERY_NOTE), html`<div class="figures">${joined(figures)}</div>`];
}

export function dataFigure({ name, chart, savings }: DataCurves): Markup {
  return titled(name, chart, savings.map(savingText));
}

export function sizeFigure({ name, chart, lines }: SizeCurves): Markup {
  return titled(name, chart, lines);
}

function titled(name: string, chart: LineChart, lines: readonly string[]): Markup {
  const sentences = lines.map((line) => `${capitalized(line)}.`);
  return html`<section aria-labelledby="${chart.id}-name"><h3 id="${chart.id}-name">${name}</h3>${joined(list(sentences, ''))}${figure(chart)}</section>`;
}

export function figure(chart: LineChart): Markup {
  const { id, title } = chart;
  return html`<figure>${lineChartSvg(chart)}${legendHtml(chart)}
<figcaption>${title}. <a href="figures/${id}.csv" download>The numbers as CSV</a>, <a href="figures/${id}.svg" download>the figure as SVG</a>.</figcaption>
${joined(folded('The numbers', table(numbersOf(chart), title)))}</figure>`;
}

function numbersOf({ series, xTitle, yTitle, xText }: LineChart): Table {
  return {
    columns: [
      { title: 'series', align: 'left' },
      { title: xTitle, align: 'right' },
      { title: yTitle, align: 'right' },
      { title: '95 % interval', align: 'right' },
    ],
    rows: series.flatMap(({ name, points }) =>
      points.map(({ x, y, low, high }) => [
        name,
        xText(x),
        percent(y / 100),
        low === null || high === null ? '–' : `${percent(low / 100)} to ${percent(high / 100)}`,
      ]),
    ),
  };
}
