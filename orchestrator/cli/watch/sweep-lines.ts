/** Sweeps as `dss status` and `dss watch` show them. */
import type { SweepRecord } from '../../core/records.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../core/sweep/sweep-options.js';
import { renderTable } from '../table.js';
import { INTERRUPTED } from './progress-lines.js';

export const GOES_ON = '`dss serve` or `dss sweep FILE` goes on with it';

/** `isRun`: a control plane is there; else what stands as running was interrupted. */
export function sweepTable(sweeps: readonly SweepRecord[], { isRun }: { readonly isRun: boolean }): string {
  const states = ['succeeded', 'running', 'queued', 'failed', 'cancelled'] as const;
  const standings = sweeps.map(standingText);
  const running = !isRun && sweeps.some(({ counts }) => counts.running > 0) ? INTERRUPTED : 'running';
  const hasStandings = standings.some((text) => text !== '');
  return renderTable({
    columns: [
      { title: 'sweep', align: 'left' },
      ...['trials', 'done', running, 'waiting', 'failed', 'cancelled'].map((title) => ({
        title,
        align: 'right' as const,
      })),
      { title: 'submitted', align: 'left' },
      ...(hasStandings ? [{ title: 'standing', align: 'left' as const }] : []),
    ],
    rows: sweeps.map(({ sweep, total, counts, submittedAtUnixMs }, index) => [
      sweep,
      String(total),
      ...states.map((state) => String(counts[state])),
      new Date(submittedAtUnixMs).toISOString(),
      ...(hasStandings ? [standings[index] ?? ''] : []),
    ]),
  });
}

/** What sets a sweep apart from one that simply runs; else empty. */
function standingText({ standing: { state, reason, owner, options } }: SweepRecord): string {
  return [
    ...(state === 'active' ? [] : [reason === '' ? state : `${state}: ${reason}`]),
    ...(owner === '' ? [] : [`of ${owner}`]),
    ...(options.priority === DEFAULT_SWEEP_OPTIONS.priority ? [] : [`priority ${options.priority}`]),
    ...(options.weight === DEFAULT_SWEEP_OPTIONS.weight ? [] : [`weight ${options.weight}`]),
  ].join(', ');
}

/** For `--json`; scripts rely on this shape. */
export function sweepValue(record: SweepRecord): Readonly<Record<string, unknown>> {
  const { sweep, total, counts, submittedAtUnixMs, standing } = record;
  const { priority, weight, budget } = standing.options;
  return {
    sweep,
    trials_total: total,
    counts,
    submitted_at: new Date(submittedAtUnixMs).toISOString(),
    state: standing.state,
    reason: standing.reason,
    owner: standing.owner,
    priority,
    weight,
    budget: {
      wall_hours: budget.wallHours,
      device_hours: budget.deviceHours,
      failed_trials: budget.failedTrials,
    },
  };
}
