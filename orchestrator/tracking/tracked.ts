/** Trials and cells as experiment trackers know them: parameters, tags, and numbers by step under the usual names. */
import type { Evaluation, TrialSettings, TrialState } from '../core/domain.js';
import type { TrialMeasurements, TrialRecord } from '../core/records.js';
import { idOfKey, keyOfCell } from '../reports/cell-groups.js';
import { measuresOf, measuresValue } from '../reports/measures.js';

export interface Point {
  readonly key: string;
  readonly step: number;
  readonly value: number;
  readonly atUnixMs: number;
}

export interface TrackedTrial {
  readonly trialId: string;
  readonly seed: number;
  readonly cellId: string;
  readonly settings: TrialSettings;
  readonly state: TrialState;
  readonly attempt: number;
  readonly startedAtUnixMs: number;
  /** `null` while it runs. */
  readonly endedAtUnixMs: number | null;
  readonly environment: Readonly<Record<string, string>>;
  /** `CODE: message` of a trial that did not succeed. */
  readonly failure: string | null;
  /** A key has each step once. */
  readonly points: readonly Point[];
}

/** Equal for trials of one cell, whatever the sweep. */
export function cellIdOf(settings: TrialSettings): string {
  return idOfKey(keyOfCell(settings));
}

/** For people, and the same in every sweep; with the id beside it, one cell's alone. */
export function cellName({ model, dataset, label_type, model_type, subsample }: TrialSettings): string {
  const parts = [model.split(/[/\\]/).filter(Boolean).at(-1) ?? model, dataset, label_type, model_type];
  return [...parts, ...(subsample === 1 ? [] : [`subsample ${subsample}`])].join(' ');
}

/** Changes with all that is decided about a trial; of one that runs, its points come on besides. */
export function standingOf({ state, attempts, endedAtUnixMs }: TrialRecord): string {
  return [state, attempts, endedAtUnixMs ?? ''].join(' ');
}

/** `nowUnixMs`: when the points of a trial that runs were seen. */
export function trackedTrial(record: TrialRecord, measured: TrialMeasurements, nowUnixMs: number): TrackedTrial {
  const { trial, state, attempts, result, failure, queuedAtUnixMs, startedAtUnixMs, endedAtUnixMs } = record;
  const start = startedAtUnixMs ?? queuedAtUnixMs;
  const end = state === 'running' ? null : (endedAtUnixMs ?? start);
  return {
    trialId: trial.trialId,
    seed: trial.settings.seed,
    cellId: cellIdOf(trial.settings),
    settings: trial.settings,
    state,
    attempt: attempts,
    startedAtUnixMs: start,
    endedAtUnixMs: end,
    environment: result?.environment ?? {},
    failure: state === 'succeeded' || failure === null ? null : `${failure.code}: ${failure.message}`,
    points: pointsOf(record, measured, timesOf(trial.settings, start, end, nowUnixMs)),
  };
}

/**
 * The journal keeps no time of a point: that of a trial which runs is when it was seen, and of one that has ended, its
 * steps are spread evenly over its time. Steps are exact, and times are for the eye.
 */
function timesOf({ max_steps }: TrialSettings, start: number, end: number | null, now: number) {
  return (step: number) => (end === null ? now : Math.round(start + ((end - start) * step) / max_steps));
}

function pointsOf(
  { trial: { settings }, result }: TrialRecord,
  { training, evaluations }: TrialMeasurements,
  timeOf: (step: number) => number,
): readonly Point[] {
  const points: Point[] = [];
  const add = (key: string, step: number, value: number | null | undefined) => {
    if (value !== null && value !== undefined) points.push({ key, step, value, atUnixMs: timeOf(step) });
  };
  for (const { step, loss } of training) {
    add('train/loss', step, loss);
    // After so many steps, as transformers' Trainer logs it.
    add('train/learning_rate', step, settings.lr * (1 - step / settings.max_steps));
  }
  for (const { split, step, loss, accuracy, choiceAccuracy } of evaluations) {
    const name = PREFIXES[split];
    add(`${name}/loss`, step, loss);
    add(`${name}/accuracy`, step, accuracy);
    add(`${name}/choice_accuracy`, step, choiceAccuracy);
  }
  if (result === null) return points;
  add('test_accuracy', result.selectedStep, result.testAccuracy);
  add('choice_accuracy', result.selectedStep, result.choiceAccuracy);
  add('seconds', settings.max_steps, result.seconds);
  for (const [name, value] of Object.entries(measuresValue(measuresOf(result)))) {
    if (typeof value === 'number') add(name, settings.max_steps, value);
  }
  for (const [phase, seconds] of Object.entries(result.secondsByPhase)) {
    add(`seconds_${phase}`, settings.max_steps, seconds);
  }
  return points;
}

/** As transformers' Trainer calls what it is validated on. */
const PREFIXES: Readonly<Record<Evaluation['split'], string>> = { valid: 'eval', test: 'test' };
