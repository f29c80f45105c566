/** The numbers behind a chart, for whoever draws it again: x and y as its axes have them, and unrounded. */
import { csvLine } from '../csv.js';
import type { LineChart } from './line-chart.js';

/** `kind`: a mean with its interval, one seed's value, where a series comes to what standard training has with all data, or a
 * line across the chart, which has no x. */
export function* figureCsv({ series, reference, crossings }: LineChart): Generator<string> {
  yield csvLine(['series', 'kind', 'x', 'y', 'low', 'high']);
  for (const { name, points } of series) {
    for (const { x, y, low, high, dots } of points) {
      yield csvLine([name, 'mean', x, y, low, high]);
      for (const dot of dots) yield csvLine([name, 'seed', x, dot, null, null]);
    }
  }
  for (const { name, x, y } of crossings) yield csvLine([name, 'crossing', x, y, null, null]);
  if (reference !== null) yield csvLine([reference.name, 'line', null, reference.y, null, null]);
}
