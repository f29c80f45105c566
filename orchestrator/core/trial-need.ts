/** What a trial has to be given to run, all of it at once. */
import type { RunOptions } from './domain.js';

export interface TrialNeed {
  /** On each machine. A trial that has several has them alone. */
  readonly devices: number;
  /** A worker of each trains it. */
  readonly machines: number;
  /** At most, on each device; 0: not known. */
  readonly memoryBytes: number;
}

export const ONE_DEVICE: TrialNeed = { devices: 1, machines: 1, memoryBytes: 0 };

export function needOf({ devices, machines, memoryBytes }: RunOptions): TrialNeed {
  return { devices, machines, memoryBytes };
}

/** Devices in all: what it counts for where slots are shared out. */
export function sizeOf({ devices, machines }: TrialNeed): number {
  return devices * machines;
}

/** Where it stands among trials of a sweep: the largest goes first, of equal size the one with more machines. */
export function bulkOf(need: TrialNeed): number {
  return sizeOf(need) * 1_024 + need.machines;
}

/** For people. */
export function describeNeed({ devices, machines }: TrialNeed): string {
  const each = `${devices} ${devices === 1 ? 'device' : 'devices'}`;
  return machines === 1 ? each : `${machines} machines with ${each}`;
}
