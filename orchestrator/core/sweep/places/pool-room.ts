/** What the workers of a place's pools will have, as far as its settings say so before there is any of them. */
import { byteCount } from '../../byte-count.js';
import type { Device } from '../../domain.js';
import { describeNeed, type TrialNeed } from '../../schedule/trial-need.js';
import type { Place } from '../place.js';
import { gpusOf, kubernetesSettingsOf, quantityBytes } from './kubernetes-settings.js';
import { raySettingsOf } from './ray-settings.js';

export interface PoolRoom {
  /** As the file calls it. */
  readonly name: string;
  /** At a time; `null`: as many as the place has room for. */
  readonly workers: number | null;
  readonly kind: Device['kind'];
  /** Of each worker; `null`: as many as a trial asks for. */
  readonly devices: number | null;
  /** Of a worker that trains on its CPU; 0: not bounded. How much a GPU has nobody knows before one is there. */
  readonly memoryBytes: number;
  /** A queue lets in all of its workers or none, and those of other pools at another time: they count on none of those. */
  readonly isQueued: boolean;
  /** Its queue lets in each of its workers alone. */
  readonly isLetInOneByOne: boolean;
}

/** In the order that the file has them. Of workers on this machine nothing is said: they are what the machine has. */
export function poolRooms({ on, settings }: Place): readonly PoolRoom[] {
  switch (on) {
    case 'local':
      return [];
    case 'kubernetes':
      return kubernetesSettingsOf(settings).map(({ name, max, shape: { resources, queue, podPerTrial } }) => {
        const gpus = gpusOf(resources);
        const memoryBytes = gpus > 0 ? 0 : quantityBytes(resources['memory'] ?? '0');
        const kind = gpus > 0 ? 'cuda' : 'cpu';
        const isQueued = queue !== null;
        const turns = { isQueued, isLetInOneByOne: isQueued && podPerTrial };
        return { name, workers: max, kind, devices: Math.max(1, gpus), memoryBytes, ...turns };
      });
    case 'ray': {
      const { maxWorkers: workers, worker } = raySettingsOf(settings);
      const { gpus, memoryBytes } = worker;
      const room = { name: 'ray', workers, isQueued: false, isLetInOneByOne: false } as const;
      if (gpus === 0) return [{ ...room, kind: 'cpu', devices: 1, memoryBytes }];
      return [{ ...room, kind: 'cuda', devices: gpus === null ? null : Math.max(1, gpus), memoryBytes: 0 }];
    }
  }
}

/** Why no worker of the pool could ever take such a trial, or have a part in it; `null`: it takes it. */
export function whyNot(room: PoolRoom, need: Omit<TrialNeed, 'minMachines'>): string | null {
  const { kind, devices, memoryBytes, isQueued, isLetInOneByOne } = room;
  if (devices !== null && need.devices > devices) {
    const has = kind === 'cpu' ? 'a CPU' : `${devices} ${devices === 1 ? 'GPU' : 'GPUs'}`;
    return `a worker has ${has}, and it needs ${describeNeed({ ...need, machines: 1, minMachines: 1 })}`;
  }
  if (memoryBytes > 0 && need.memoryBytes > memoryBytes) {
    return `a worker may use ${byteCount(memoryBytes)}, and it needs ${byteCount(need.memoryBytes)}`;
  }
  if (isLetInOneByOne && need.machines > 1) {
    return `its queue lets in each pod alone, and it needs ${need.machines} at a time: leave out podPerTrial, or queue`;
  }
  return isQueued ? whyTooFew([room], need) : null;
}

/** Why there are never as many workers as such a trial needs, if all of these pools took it; workers of any of them meet. */
export function whyTooFew(rooms: readonly PoolRoom[], { machines }: Pick<TrialNeed, 'machines'>): string | null {
  const most = rooms.reduce((sum, { workers }) => sum + (workers ?? Number.POSITIVE_INFINITY), 0);
  if (machines <= most) return null;
  return `there are ${most} such ${most === 1 ? 'worker' : 'workers'} at most, and it needs ${machines}`;
}
