/** `report.html`. */
import { answerOf } from '../answer.js';
import type { CurveOf } from '../figures/learning-curves.js';
import { counted, duration } from '../format.js';
import type { SweepReport } from '../sweep-report.js';
import { framedPage } from './page-frame.js';
import { reportSections } from './report-sections.js';

export interface PageParts {
  readonly report: SweepReport;
  readonly curveOf: CurveOf;
  /** Of dss. */
  readonly version: string;
}

export function reportPage({ report, curveOf, version }: PageParts): string {
  const { sweep, total, counts, trialSeconds, spanSeconds } = report;
  const open = counts.queued + counts.running;
  return framedPage({
    title: `${sweep}: does step-by-step training help?`,
    heading: report.sweeps.length === 1 ? `Sweep ${sweep}` : `Sweeps ${report.sweeps.join(', ')}`,
    lead: `${counted(total, 'trial')}: ${counts.succeeded} done, ${counts.failed} failed${counts.cancelled > 0 ? `, ${counts.cancelled} cancelled` : ''}${open > 0 ? `, ${open} open` : ''}.
${duration(trialSeconds)} of training and evaluation in all; ${duration(spanSeconds)} from first start to last end. dss ${version}.`,
    answer: answerOf(report),
    sections: reportSections(report, curveOf),
  });
}
