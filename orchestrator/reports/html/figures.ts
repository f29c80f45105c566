/** Charts on a page, each with its legend, its numbers and what it says. */

import { colourOf, lineLookOf } from '../figures/chart-style.js';
import { lineChartSvg } from '../figures/chart-svg.js';
import { type DataCurves, savingText } from '../figures/data-curves.js';
import { figureNote } from '../figures/figure-note.js';
import type { LineChart } from '../figures/line-chart.js';
import type { SizeCurves } from '../figures/size-curves.js';
import { capitalized, percent } from '../format.js';
import type { Table } from '../tables.js';
import { html, joined, type Markup } from './markup.js';
import { folded, list, note, table } from './page-frame.js';

/** Side by side where there is room. */
export function gallery(charts: readonly LineChart[], figures: readonly Markup[]): readonly Markup[] {
  return figures.length === 0
    ? []
    : [
        note(`${figureNote(charts)} Below each figure are its numbers.`),
        html`<div class="figures">${joined(figures)}</div>`,
      ];
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
  return html`<figure>${lineChartSvg(chart)}${legend(chart)}
<figcaption>${title}. <a href="figures/${id}.csv" download>The numbers as CSV</a>, <a href="figures/${id}.svg" download>the figure as SVG</a>, <a href="figures/${id}.pdf" download>as PDF</a>.</figcaption>
${joined(folded('The numbers', table(numbersOf(chart), title)))}</figure>`;
}

/** In the text of the page: it wraps where the chart would not. */
function legend({ series, reference }: LineChart): Markup {
  const keys = [
    ...series.map(({ name }, place) => ({ name, look: `${lineLookOf(place)} ${colourOf(place)}` })),
    ...(reference === null ? [] : [{ name: reference.name, look: 'across' }]),
  ];
  return html`<ul class="legend">${joined(
    keys.map(({ name, look }) => html`<li><span class="key ${look}" aria-hidden="true"></span>${name}</li>`),
  )}</ul>`;
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
