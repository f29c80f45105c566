/** Every chart of a report, in the order of its page. */
import type { SweepReport } from '../sweep-report.js';
import { dataCurves } from './data-curves.js';
import { type CurveOf, learningCurves } from './learning-curves.js';
import type { LineChart } from './line-chart.js';

export function allCharts({ cells, teachers }: SweepReport, curveOf: CurveOf): readonly LineChart[] {
  return [...dataCurves(cells, teachers).map(({ chart }) => chart), ...learningCurves(cells, curveOf)];
}
