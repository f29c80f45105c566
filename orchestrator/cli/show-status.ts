/** What `dss status` prints. */
import { DEFAULT_SWEEP_OPTIONS } from '../core/sweep-options.js';
import type { JournalReader, SweepRecord } from '../journal/journal.js';
import { resolveHome } from './environment.js';
import { print, printJson } from './output.js';
import { trialName } from './progress-lines.js';
import { withJournal, withSweep } from './state.js';
import { renderTable } from './table.js';

export interface StatusFlags {
  readonly sweep: string | undefined;
  readonly home: string | undefined;
  readonly json: boolean;
}

export async function showStatus({ sweep, home, json }: StatusFlags): Promise<number> {
  if (sweep !== undefined) {
    return withSweep(home, sweep, (journal, record) => showOne(journal, record, json));
  }
  return withJournal(resolveHome(home), (journal) => {
    const sweeps = journal?.sweeps() ?? [];
    if (json) printJson(sweeps.map(sweepValue));
    else if (sweeps.length === 0) print('no sweep has run yet');
    else print(sweepTable(sweeps));
    return 0;
  });
}

function showOne(journal: JournalReader, sweep: SweepRecord, json: boolean): number {
  const trials = [...journal.trials(sweep.sweep)];
  if (json) {
    printJson({
      ...sweepValue(sweep),
      trials: trials.map(({ trial, state, attempts, failure }) => ({
        id: trial.trialId,
        state,
        attempts,
        failure:
          state === 'succeeded' || failure === null
            ? null
            : { code: failure.code, message: failure.message, hint: failure.hint },
      })),
    });
    return 0;
  }
  print(sweepTable([sweep]));
  const open = trials.filter(({ state }) => state === 'running' || state === 'failed' || state === 'cancelled');
  const again = trials.filter(({ state, failure }) => state === 'queued' && failure !== null);
  for (const { trial, state, attempts, failure } of [...open, ...again]) {
    const cause = failure === null ? '' : `: ${failure.code}: ${failure.message}`;
    print(`${trial.trialId.slice(0, 8)} ${state} ${trialName(trial.settings)}, attempt ${attempts}${cause}`);
  }
  return 0;
}

function sweepTable(sweeps: readonly SweepRecord[]): string {
  const states = ['succeeded', 'running', 'queued', 'failed', 'cancelled'] as const;
  const standings = sweeps.map(standingText);
  const hasStandings = standings.some((text) => text !== '');
  return renderTable({
    columns: [
      { title: 'sweep', align: 'left' },
      ...['trials', 'done', 'running', 'waiting', 'failed', 'cancelled'].map((title) => ({
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
function standingText({ standing: { state, reason, options } }: SweepRecord): string {
  return [
    ...(state === 'active' ? [] : [reason === '' ? state : `${state}: ${reason}`]),
    ...(options.priority === DEFAULT_SWEEP_OPTIONS.priority ? [] : [`priority ${options.priority}`]),
    ...(options.weight === DEFAULT_SWEEP_OPTIONS.weight ? [] : [`weight ${options.weight}`]),
  ].join(', ');
}

function sweepValue(record: SweepRecord): Readonly<Record<string, unknown>> {
  const { sweep, total, counts, submittedAtUnixMs, standing } = record;
  const { priority, weight, budget } = standing.options;
  return {
    sweep,
    trials_total: total,
    counts,
    submitted_at: new Date(submittedAtUnixMs).toISOString(),
    state: standing.state,
    reason: standing.reason,
    priority,
    weight,
    budget: {
      wall_hours: budget.wallHours,
      device_hours: budget.deviceHours,
      failed_trials: budget.failedTrials,
    },
  };
}
