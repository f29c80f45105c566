/** A chart's marks as SVG. Looks and colours are classes, so that the page around decides for light, dark and paper. */
import { html, joined, Markup } from '../html/markup.js';
import { colourOf } from './chart-style.js';
import { chartMarks, HEIGHT, type LineChart, px, WIDTH } from './line-chart.js';
import type { Mark, MarkGroup } from './marks.js';

export function lineChartSvg(chart: LineChart): Markup {
  const { id, title, description } = chart;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-text" class="chart">
<title id="${id}-title">${title}</title>
<desc id="${id}-text">${description}</desc>
${groupsSvg(chartMarks(chart))}
</svg>`;
}

export function groupsSvg(groups: readonly MarkGroup[]): Markup {
  return joined(groups.map(groupSvg));
}

function groupSvg({ series, marks }: MarkGroup): Markup {
  const inside = joined(marks.map(markSvg));
  return series === null ? inside : html`<g class="${colourOf(series)}">\n${inside}\n</g>`;
}

function markSvg(mark: Mark): Markup {
  switch (mark.kind) {
    case 'line': {
      const { look, from, to } = mark;
      return html`<line class="${look}" x1="${px(from[0])}" x2="${px(to[0])}" y1="${px(from[1])}" y2="${px(to[1])}"/>`;
    }
    case 'path':
      return html`<path class="${mark.look}" d="${new Markup(mark.d)}"/>`;
    case 'circle':
      return html`<circle class="${mark.look}" cx="${px(mark.x)}" cy="${px(mark.y)}" r="${mark.r}"/>`;
    case 'text': {
      const { look, text, anchor, isUpright = false } = mark;
      const [x, y] = [px(mark.x), px(mark.y)];
      const turned = isUpright ? html` transform="rotate(-90 ${x} ${y})"` : new Markup('');
      return html`<text class="${look}" x="${x}" y="${y}" text-anchor="${anchor}"${turned}>${text}</text>`;
    }
  }
}
