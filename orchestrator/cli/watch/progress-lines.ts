/** What a running sweep tells, a line per event; both displays show them. */
import type { TrialRecord } from '../../core/records.js';
import { oneLine } from '../../core/text.js';
import type { TrialProgress } from '../../core/trial-progress.js';
import type { TrialChange, WatchEvent } from '../../core/watch-event.js';
import { duration, percent } from '../../reports/format.js';
import type { SweepProgress } from './sweep-progress.js';
import type { NameTrial } from './trial-names.js';

/** What was running when the control plane ended, and waits for the next one. */
export const INTERRUPTED = 'interrupted';

export interface ProgressDisplay {
  update(event: WatchEvent): void;
  /** A line of text beside the display. */
  say(line: string): void;
  end(): void;
}

/** Folds an event and gives the line that tells of it, if it is worth one. */
export function apply(state: SweepProgress, event: WatchEvent): string | null {
  const changed = state.apply(event, performance.now());
  return changed && event.kind === 'trial' ? lineFor(state, event.trial) : null;
}

function lineFor(
  state: SweepProgress,
  { trialId, state: now, attempt, failure, result, workerId }: TrialChange,
): string | null {
  const { succeeded, failed, cancelled } = state.counts;
  const head = `[${succeeded + failed + cancelled}/${state.total}]`;
  const what = `${trialId.slice(0, 8)} ${state.nameOf(trialId) ?? ''}`;
  const cause = failure === null ? '' : `: ${failure.code}: ${oneLine(failure.message)}`;
  switch (now) {
    case 'succeeded':
      return `${head} done   ${what}: ${percent(result?.testAccuracy ?? null)} % in ${duration(result?.seconds ?? null)}`;
    case 'failed':
      return `${head} failed ${what}${cause}`;
    case 'cancelled':
      return `${head} cancelled ${what}`;
    case 'queued':
      return failure === null ? null : `${head} again  ${what}, after attempt ${attempt}${cause}`;
    case 'running':
      return `${head} start  ${what}${attempt > 1 ? `, attempt ${attempt}` : ''}${workerId === '' ? '' : ` on ${workerId}`}`;
  }
}

export interface StandingWords {
  readonly nameTrial: NameTrial;
  /** As a control plane says; absent: none does. */
  readonly progress?: TrialProgress | undefined;
  /** False: nothing runs it. */
  readonly isRun?: boolean;
}

/** Of a trial that runs, or did not succeed. */
export function standingLine(
  { trial, state, attempts, failure }: TrialRecord,
  { nameTrial, progress, isRun = true }: StandingWords,
): string {
  const cause = failure === null ? '' : `: ${failure.code}: ${failure.message}`;
  const far = progress === undefined ? [] : [`step ${progress.step} of ${progress.maxSteps}`, ...doingWords(progress)];
  const what = [`${nameTrial(trial.settings)}, attempt ${attempts}`, ...far].join(' · ');
  return `${trial.trialId.slice(0, 8)} ${state === 'running' && !isRun ? INTERRUPTED : state} ${what}${cause}`;
}

/** Beside how many steps it has done. */
export function doingWords({ step, loss, examplesPerSecond, phase }: TrialProgress): readonly string[] {
  return [
    // Until its process is up and has said something.
    ...(phase === '' && step === 0 ? ['starting'] : []),
    ...(phase === 'train' || phase === '' ? [] : [phase]),
    ...(step > 0 ? [`loss ${loss.toPrecision(4)}`, `${Math.round(examplesPerSecond)} examples/s`] : []),
  ];
}
