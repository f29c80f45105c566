/** What a trial has to be given to run, all of it at once. */
import type { RunOptions } from '../domain.js';

export interface TrialNeed {
  /** On each machine. A trial that has several has them alone. */
  readonly devices: number;
  /** A worker of each trains it. */
  readonly machines: number;
  /** With at least so many it makes do where there are no more; see lending-order.ts. */
  readonly minMachines: number;
  /** At most, on each device; 0: not known. */
  readonly memoryBytes: number;
}

export const ONE_DEVICE: TrialNeed = { devices: 1, machines: 1, minMachines: 1, memoryBytes: 0 };

type Spread = Pick<TrialNeed, 'devices' | 'machines'>;

export function needOf({ devices, machines, minMachines, memoryBytes }: RunOptions): TrialNeed {
  return { devices, machines, minMachines: Math.min(minMachines, machines), memoryBytes };
}

/** What an attempt has. @param machines that it got; `null`: all that it needs */
export function needWith(need: TrialNeed, machines: number | null): TrialNeed {
  return machines === null ? need : { ...need, machines };
}

/** Devices in all: what it counts for where slots are shared out. */
export function sizeOf({ devices, machines }: Spread): number {
  return devices * machines;
}

/** Where it stands among trials of a sweep: the largest goes first, of equal size the one with more machines. */
export function bulkOf(need: Spread): number {
  return sizeOf(need) * 1_024 + need.machines;
}

/** Devices of a machine and machines, of a bulk. */
export function spreadOf(bulk: number): Spread {
  const machines = bulk % 1_024;
  return { devices: Math.floor(bulk / 1_024) / machines, machines };
}

/** For people. */
export function describeNeed({ devices, machines, minMachines }: Omit<TrialNeed, 'memoryBytes'>): string {
  const each = `${devices} ${devices === 1 ? 'device' : 'devices'}`;
  if (machines === 1) return each;
  return `${minMachines < machines ? `${minMachines} to ${machines}` : machines} machines with ${each}`;
}
