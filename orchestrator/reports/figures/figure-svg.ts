/** A chart as an SVG file that stands alone: its own colours, a white ground, its legend below. */
import { html, joined, Markup } from '../html/markup.js';
import { chartStyle, LIGHT } from './chart-style.js';
import { chartMarks, classOf, HEIGHT, type LineChart, WIDTH } from './line-chart.js';

const LEGEND = { left: 56, line: 20, key: 24, gap: 8 };

export function figureSvg(chart: LineChart): string {
  const { title, description } = chart;
  const names = [
    ...chart.series.map(({ name }, place) => ({ name, classes: `series ${classOf(place)}` })),
    ...(chart.reference === null ? [] : [{ name: chart.reference.name, classes: 'reference' }]),
  ];
  const height = HEIGHT + LEGEND.line * names.length + LEGEND.gap;
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title text" class="chart">
<title id="title">${title}</title>
<desc id="text">${description}</desc>
<style>${new Markup(chartStyle((name) => LIGHT[name]))}</style>
<rect width="${WIDTH}" height="${height}" fill="${LIGHT.ground}"/>
${chartMarks(chart)}
${joined(names.map(({ name, classes }, place) => legendLine(name, classes, HEIGHT + LEGEND.line * place + LEGEND.gap)))}
</svg>
`.text;
}

function legendLine(name: string, classes: string, y: number): Markup {
  const { left, key, gap } = LEGEND;
  return html`<g class="${classes}"><line class="line" x1="${left}" x2="${left + key}" y1="${y}" y2="${y}"/>
<text x="${left + key + gap}" y="${y + 4}">${name}</text></g>`;
}
