/** The section `run` of a sweep file: where and how a sweep runs. Nothing here changes what its trials learn. */
import { z } from 'zod';
import { mapping, orAbsent } from './spec-schema.js';
import { DEFAULT_SWEEP_OPTIONS, MAX_PRIORITY, MAX_WEIGHT, type SweepOptions } from './sweep-options.js';

/** Whether a result counts that is there already: always, or only from an environment like that of the workers now. */
export type Reuse = 'any' | 'same-environment';

export interface RunSection {
  readonly on: 'local';
  readonly workers: 'auto' | number;
  readonly reuse: Reuse;
  readonly options: SweepOptions;
}

export const REUSES: readonly Reuse[] = ['any', 'same-environment'];

function number(expected: string, accepts: (value: number) => boolean) {
  return z.custom<number>(
    (value) => typeof value === 'number' && Number.isFinite(value) && accepts(value),
    `expected ${expected}`,
  );
}

function whole(least: number, most: number) {
  return number(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );
}

const hours = number('a number of hours above 0', (value) => value > 0);

const Budget = mapping({
  wall_hours: orAbsent(hours),
  device_hours: orAbsent(hours),
  failed_trials: orAbsent(whole(1, 1_000_000)),
});

export const RunValue = mapping({
  on: z.custom<'local'>((value) => value === 'local', 'expected local').optional(),
  workers: z
    .custom<'auto' | number>(
      (value) => value === 'auto' || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1024),
      'expected auto or a whole number from 1 to 1024',
    )
    .optional(),
  priority: whole(-MAX_PRIORITY, MAX_PRIORITY).optional(),
  weight: number(`a number above 0 and at most ${MAX_WEIGHT}`, (value) => value > 0 && value <= MAX_WEIGHT).optional(),
  budget: orAbsent(Budget),
  reuse: z
    .custom<Reuse>((value) => REUSES.some((each) => each === value), `expected ${REUSES.join(' or ')}`)
    .optional(),
});

/** What may stand below `run`, or below `run.budget`. */
export const RUN_KEYS: readonly string[] = Object.keys(RunValue.shape);
export const BUDGET_KEYS: readonly string[] = Object.keys(Budget.shape);

export function runSectionOf(asked: z.infer<typeof RunValue> | undefined): RunSection {
  return {
    on: asked?.on ?? 'local',
    workers: asked?.workers ?? 'auto',
    reuse: asked?.reuse ?? 'any',
    options: {
      priority: asked?.priority ?? DEFAULT_SWEEP_OPTIONS.priority,
      weight: asked?.weight ?? DEFAULT_SWEEP_OPTIONS.weight,
      budget: {
        wallHours: asked?.budget?.wall_hours ?? null,
        deviceHours: asked?.budget?.device_hours ?? null,
        failedTrials: asked?.budget?.failed_trials ?? null,
      },
    },
  };
}
