/** Every chart of a report, in the order of its page. */
import type { SweepReport } from '../sweep-report.js';
import { dataCurves } from './data-curves.js';
import { type CurveOf, learningCurves } from './learning-curves.js';
import type { LineChart } from './line-chart.js';
import { sizeCurves } from './size-curves.js';

export function allCharts(report: SweepReport, curveOf: CurveOf): readonly LineChart[] {
  const { cells, teachers } = report;
  return [
    ...dataCurves(cells, teachers).map(({ chart }) => chart),
    ...sizeCurves(report).map(({ chart }) => chart),
    ...learningCurves(cells, curveOf),
  ];
}
