/** A figure as an SVG file: its own colours, on a white ground. */
import { html, Markup } from '../html/markup.js';
import { chartStyle, LIGHT } from './chart-style.js';
import { groupsSvg } from './chart-svg.js';
import { figureOf } from './figure.js';
import type { LineChart } from './line-chart.js';

export function figureSvg(chart: LineChart): string {
  const { title, description } = chart;
  const { width, height, groups } = figureOf(chart);
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title text" class="chart">
<title id="title">${title}</title>
<desc id="text">${description}</desc>
<style>${new Markup(chartStyle((name) => LIGHT[name]))}</style>
<rect width="${width}" height="${height}" fill="${LIGHT.ground}"/>
${groupsSvg(groups)}
</svg>
`.text;
}
