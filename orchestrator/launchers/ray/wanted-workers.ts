/** How many workers a pool should have, and what each asks for. */
import type { Demand } from '../../core/schedule/demand.js';
import { trialsOf, widestOf } from '../../core/schedule/demand.js';
import type { RaySettings } from '../../core/sweep/places/ray-settings.js';
import type { Ask, ClusterRoom } from './cluster.js';

export function askOf({ worker }: RaySettings, room: ClusterRoom, demands: readonly Demand[]): Ask {
  const gpus = worker.gpus ?? ((room.total['GPU'] ?? 0) > 0 ? widestOf(demands) : 0);
  return { cpus: worker.cpus, gpus, memoryBytes: worker.memoryBytes, custom: worker.custom };
}

/** Workers that one trial needs at once. */
export function gangSizeOf(demands: readonly Demand[]): number {
  return demands.reduce((widest, { machines }) => Math.max(widest, machines), 1);
}

/**
 * A worker for each trial, or a gang where trials need several at once, as far as the limit allows. `limit`, in workers:
 * of the command, else what the cluster has room for.
 */
export function wantedWorkers(
  demands: readonly Demand[],
  { minWorkers, maxWorkers }: RaySettings,
  limit: number,
): number {
  const trials = trialsOf(demands);
  if (trials === 0) return 0;
  const size = gangSizeOf(demands);
  const most = Math.floor((maxWorkers ?? limit) / size);
  return Math.min(most, Math.max(trials, Math.ceil(minWorkers / size)));
}

/** So many fit into an empty cluster. */
export function fitting({ total }: ClusterRoom, ask: Ask): number {
  const fits = namesOf(ask).map(([name, need]) => Math.floor((total[name] ?? 0) / need + 1e-9));
  return Math.min(...fits);
}

/** What is asked for, by Ray's names. */
export function namesOf({ cpus, gpus, memoryBytes, custom }: Ask): readonly (readonly [string, number])[] {
  const all: readonly (readonly [string, number])[] = [
    ['CPU', cpus],
    ['GPU', gpus],
    ['memory', memoryBytes],
  ];
  return [...all, ...Object.entries(custom)].filter(([, need]) => need > 0);
}

/** `1 CPU, 2 GPU, 8 GiB`. */
export function askText(ask: Ask, size = 1): string {
  const each = namesOf(ask).map(([name, need]) => (name === 'memory' ? gib(need) : `${need} ${name}`));
  return size === 1 ? each.join(', ') : `${size} times ${each.join(', ')} at once`;
}

/** What is there of what is asked for: `4 CPU (0.5 free), no GPU`. */
export function roomText({ total, free }: ClusterRoom, ask: Ask): string {
  return namesOf(ask)
    .map(([name]) => {
      const all = total[name] ?? 0;
      if (all === 0) return `no ${name}`;
      const amount = (value: number) => (name === 'memory' ? gib(value) : String(Math.round(value * 1e4) / 1e4));
      const left = free[name];
      const isFree = left === undefined ? '' : ` (${amount(left)} free)`;
      return name === 'memory' ? `${amount(all)}${isFree}` : `${amount(all)} ${name}${isFree}`;
    })
    .join(', ');
}

function gib(bytes: number): string {
  return `${Math.round((bytes / 1024 ** 3) * 10) / 10} GiB`;
}
