/** What the lines, bands and dots of charts are: of those that they have. */
import type { LineChart } from './line-chart.js';

export function figureNote(charts: readonly LineChart[]): string {
  const points = charts.flatMap(({ series }) => series.flatMap((each) => each.points));
  const hasIntervals = points.some(({ low }) => low !== null);
  const withDots = charts.filter(({ series }) =>
    series.some((each) => each.points.some(({ dots }) => dots.length > 0)),
  );
  const lines = [
    'Lines are means over seeds',
    ...(hasIntervals ? ['bands, and bars at points alone, their 95 % intervals by t, within 0 and 100 %'] : []),
    ...(withDots.length === 0
      ? []
      : [`small dots${withDots.length < charts.length ? ', in figures that have room for them,' : ''} single seeds`]),
  ];
  return [
    `${lines.join(', ')}.`,
    hasIntervals && points.some(({ isAlike }) => isAlike)
      ? 'Where all seeds agree, a band has no width: that is no interval, and other seeds need not agree.'
      : '',
    points.some(({ low, isAlike }) => low === null && !isAlike)
      ? 'A point of one seed has no interval, and no band goes through it.'
      : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}
