/** A chart that stands alone, with its legend below: what each file of it draws. */
import { lineLookOf } from './chart-style.js';
import { chartMarks, HEIGHT, type LineChart, WIDTH } from './line-chart.js';
import type { MarkGroup } from './marks.js';

const LEGEND = { left: 56, line: 20, key: 24, gap: 8 };

export interface Figure {
  readonly width: number;
  readonly height: number;
  readonly groups: readonly MarkGroup[];
}

export function figureOf(chart: LineChart): Figure {
  const { series, reference } = chart;
  const legend = [
    ...series.map(({ name }, place) => ({ name, series: place, look: lineLookOf(place) })),
    ...(reference === null ? [] : [{ name: reference.name, series: null, look: 'across' as const }]),
  ];
  const { left, line, key, gap } = LEGEND;
  const groups = legend.map(({ name, series: of, look }, place): MarkGroup => {
    const y = HEIGHT + line * place + gap;
    return {
      series: of,
      marks: [
        { kind: 'line', look, from: [left, y], to: [left + key, y] },
        { kind: 'text', look: 'axis', text: name, x: left + key + gap, y: y + 4, anchor: 'start' },
      ],
    };
  });
  const height = HEIGHT + line * legend.length + gap;
  return { width: WIDTH, height, groups: [...chartMarks(chart), ...groups] };
}
