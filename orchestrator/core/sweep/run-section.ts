/** The section `run` of a sweep file: where and how a sweep runs. Nothing here changes what its trials learn. */
import { z } from 'zod';
import { MAX_SLOTS } from './max-slots.js';
import { type JsonValue, LOCAL, PLACE_NAMES, type PlaceName } from './place.js';
import { KUBERNETES_KEYS, KUBERNETES_SHAPE } from './places/kubernetes-settings.js';
import { RAY_KEYS, RAY_SHAPE } from './places/ray-settings.js';
import { mapping, orAbsent } from './spec-schema.js';
import { DEFAULT_SWEEP_OPTIONS, MAX_PRIORITY, MAX_WEIGHT, type SweepOptions } from './sweep-options.js';

/** Whether a result counts that is there already: always, or only from an environment like that of the workers now. */
export type Reuse = 'any' | 'same-environment';

export interface RunSection {
  readonly on: PlaceName;
  readonly workers: 'auto' | number;
  /** Trials that each worker runs side by side on its device, where what they need in memory fits. */
  readonly slots: number;
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

const LOCAL_SHAPE = { slots: whole(1, MAX_SLOTS).optional() };

/** What belongs to one place, by the place. */
const SHAPE_OF = { local: LOCAL_SHAPE, kubernetes: KUBERNETES_SHAPE, ray: RAY_SHAPE } as const;

const Run = mapping({
  on: z
    .custom<PlaceName>((value) => PLACE_NAMES.some((name) => name === value), `expected ${PLACE_NAMES.join(' or ')}`)
    .optional(),
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
  ...LOCAL_SHAPE,
  ...KUBERNETES_SHAPE,
  ...RAY_SHAPE,
});

type RunValue = z.infer<typeof Run>;

/** What belongs to a place that is not the one asked for is a mistake in one of the two. */
export const RunValue = Run.superRefine((run, context) => {
  const on = run.on ?? 'local';
  for (const [place, shape] of Object.entries(SHAPE_OF)) {
    if (place === on) continue;
    for (const key of Object.keys(shape)) {
      if (run[key as keyof RunValue] === undefined) continue;
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `expected nothing with on: ${on}; it is for on: ${place}`,
      });
    }
  }
});

const KEYS_OF: Readonly<Record<string, readonly string[]>> = {
  run: Object.keys(Run.shape),
  budget: Object.keys(Budget.shape),
  ...KUBERNETES_KEYS,
  ...RAY_KEYS,
};

/** What may stand at a path that begins with `run`. */
export function runKeysAt(path: readonly (string | number)[]): readonly string[] {
  const section = path.findLast((part) => typeof part === 'string');
  return KEYS_OF[section ?? 'run'] ?? [];
}

/** The values that only the place asked for has a meaning for, as they were checked. */
function settingsOf(asked: RunValue | undefined): JsonValue {
  const on = asked?.on ?? 'local';
  if (on === 'local') return {};
  const given = Object.keys(SHAPE_OF[on])
    .map((key) => [key, asked?.[key as keyof RunValue]] as const)
    .filter(([, value]) => value !== undefined);
  // From YAML or JSON, and checked: there is nothing else in it.
  return Object.fromEntries(given) as JsonValue;
}

export function runSectionOf(asked: RunValue | undefined): RunSection {
  const on = asked?.on ?? 'local';
  return {
    on,
    workers: asked?.workers ?? 'auto',
    slots: asked?.slots ?? 1,
    reuse: asked?.reuse ?? 'any',
    options: {
      priority: asked?.priority ?? DEFAULT_SWEEP_OPTIONS.priority,
      weight: asked?.weight ?? DEFAULT_SWEEP_OPTIONS.weight,
      budget: {
        wallHours: asked?.budget?.wall_hours ?? null,
        deviceHours: asked?.budget?.device_hours ?? null,
        failedTrials: asked?.budget?.failed_trials ?? null,
      },
      place: on === 'local' ? LOCAL : { on, pools: [], settings: settingsOf(asked) },
      compare: null,
    },
  };
}
