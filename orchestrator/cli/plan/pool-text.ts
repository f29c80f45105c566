/** The pools of a plan in words and for `--json`. */
import { byteCount } from '../../core/byte-count.js';
import type { PoolRoom } from '../../core/sweep/places/pool-room.js';
import type { PoolPlan, UnfitTrials } from '../../plan/pool-plan.js';
import { counted } from '../../reports/format.js';

export function poolLines(plan: PoolPlan | null): readonly string[] {
  if (plan === null || plan.trials === 0) return [];
  const { pools, trials, unfit } = plan;
  return [
    ...pools.map(({ room, trials: taken }) => {
      const what = taken === trials ? `all ${trials} trials` : `${taken} of ${trials} trials`;
      return `pool ${room.name}: ${roomText(room)}; takes ${what}`;
    }),
    ...unfit.flatMap(({ trial: { settings }, trials: count, lacks }) => [
      `${counted(count, 'trial fits', 'trials fit')} no pool, as ${settings.model} on ${settings.dataset}, ${settings.model_type}:`,
      ...lacks.map(({ pool, why }) => `  ${pool}: ${why}`),
    ]),
  ];
}

/** Scripts rely on this shape. */
export function poolsValue(plan: PoolPlan | null): Readonly<Record<string, unknown>> {
  return {
    pools:
      plan?.pools.map(({ room: { name, workers, kind, devices, memoryBytes }, trials }) => {
        return { name, workers, kind, devices, memory_bytes: memoryBytes === 0 ? null : memoryBytes, trials };
      }) ?? null,
    fits_no_pool: plan?.unfit.map(unfitValue) ?? [],
  };
}

function unfitValue({ trial: { settings }, trials, lacks }: UnfitTrials): unknown {
  return { settings, trials, lacks };
}

function roomText({ workers, kind, devices, memoryBytes }: PoolRoom): string {
  const many = workers === null ? 'workers' : counted(workers, 'worker');
  const memory = memoryBytes === 0 ? '' : ` and ${byteCount(memoryBytes)}`;
  if (kind === 'cpu') return `${many} with a CPU${memory}`;
  return `${many} with ${devices === null ? 'as many GPUs as a trial asks for' : counted(devices, 'GPU')}`;
}
