/** A plan in words and as the document of `--json`. */
import type { TrialSettings } from '../../core/domain.js';
import { oneLine } from '../../core/text.js';
import type { Plan } from '../../plan/plan-sweep.js';
import { counted } from '../../reports/format.js';

/** How a plan's trials stand in the journal. */
export interface Standing {
  readonly done: number;
  /** Failed by their own settings; they run again only when asked. */
  readonly failedBefore: number;
  readonly toRun: number;
  /** Of the trials that will not run. */
  readonly states: ReadonlyMap<string, 'succeeded' | 'failed'>;
}

export function summaryLine(plan: Plan, { done, failedBefore, toRun }: Standing): string {
  const failed =
    failedBefore > 0
      ? ` (${counted(failedBefore, 'failed before: not', 'failed before: not')} run again without --retry-failed)`
      : '';
  const rejected = plan.rejected.length > 0 ? ` (${plan.rejected.length.toLocaleString('en')} rejected)` : '';
  const n = (count: number) => count.toLocaleString('en');
  return `${n(plan.requested)} requested → ${n(plan.trials.length)} distinct${rejected} → ${n(done)} already done → ${n(toRun)} to run${failed}`;
}

/** A line per merged and per rejected cell. */
export function explainLines(plan: Plan): readonly string[] {
  return [
    ...plan.merged.map(
      ({ settings, trialId, rules }) => `merged   ${cellText(settings)} → ${trialId} (${rules.join(', ')})`,
    ),
    ...plan.rejected.map(
      ({ settings, code, message }) => `rejected ${cellText(settings)}: ${code}: ${oneLine(message)}`,
    ),
  ];
}

function cellText(settings: Readonly<Partial<Record<keyof TrialSettings, unknown>>>): string {
  return oneLine(
    Object.entries(settings)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' '),
  );
}

/**
 * Scripts rely on this shape.
 *
 * @param withoutId trials that read what is not on disk: what they read is in an id
 */
export function planValue(
  plan: Plan,
  { done, toRun }: Standing,
  withoutId: ReadonlySet<string> = new Set(),
): Readonly<Record<string, unknown>> {
  const idOf = (trialId: string) => (withoutId.has(trialId) ? null : trialId);
  return {
    requested: plan.requested,
    distinct: plan.trials.length,
    done,
    to_run: toRun,
    merged: plan.merged.map(({ settings, trialId, rules }) => ({ settings, trial_id: idOf(trialId), rules })),
    rejected: plan.rejected.map(({ settings, code, message, hint }) => ({ settings, code, message, hint })),
    trials: plan.trials.map(({ trialId, settings }) => ({ id: idOf(trialId), settings })),
  };
}
