/** What is free while slots are lent, one after the other: what is lent is taken, here and not in the pool. */
import type { DeviceRoom } from './device-room.js';
import type { TrialNeed } from './trial-need.js';
import type { Machine } from './worker-pool.js';

/** Of the sweep that wants it; see pool-keys.ts. */
type Pools = ReadonlySet<string>;

interface Free {
  slots: number;
  readonly room: DeviceRoom;
}

/** Workers that are within reach; `WorkerPool` has them. */
export interface Machines {
  machine(workerId: string): Machine | undefined;
  lendable(): readonly Machine[];
  /** Those that are lent only what no others could run. */
  drainedBeside(): readonly Machine[];
}

/** Workers out of which a trial is lent to so many, once they are free. */
interface Team {
  readonly able: readonly Machine[];
  readonly size: number;
}

export class LendingRoom {
  readonly #machines: Machines;
  readonly #nowMs: number;
  #settledMs: number | null = null;
  /** Those of which something was taken. */
  readonly #free = new Map<string, Free>();

  constructor(machines: Machines, nowMs: number) {
    this.#machines = machines;
    this.#nowMs = nowMs;
  }

  /** When the first of what was asked for makes do with fewer machines, unless more come; `null`: nothing waits so. */
  get settledMs(): number | null {
    return this.#settledMs;
  }

  fits(workerId: string, need: TrialNeed): boolean {
    const machine = this.#machines.machine(workerId);
    return machine !== undefined && this.#fits(machine, need);
  }

  take(workerId: string, need: TrialNeed): void {
    const machine = this.#machines.machine(workerId) as Machine;
    const free = this.#free.get(workerId) ?? { slots: machine.slots - machine.lent.length, room: machine.room.copy() };
    this.#free.set(workerId, free);
    free.slots -= 1;
    free.room.take(free.room.placesFor(need) ?? [], need);
  }

  hasSlot(workerId: string): boolean {
    const free = this.#free.get(workerId);
    if (free !== undefined) return free.slots > 0 && free.room.openings > 0;
    const machine = this.#machines.machine(workerId);
    return machine !== undefined && machine.lent.length < machine.slots && machine.room.openings > 0;
  }

  /** All the workers that a trial is to have, the first of a gang first; `null`: they are not free. */
  workersFor(need: TrialNeed, pools: Pools, isTaken: (workerId: string) => boolean): readonly string[] | null {
    const team = this.#teamFor(need, pools);
    if (team === null) return null;
    const free = team.able.filter((machine) => !isTaken(machine.workerId) && this.#fits(machine, need));
    return free.length < team.size ? null : free.slice(0, team.size).map(({ workerId }) => workerId);
  }

  /**
   * The workers on which a trial could begin soonest if they were lent nothing more; `null`: never, with these. What is
   * to end on them gets less with each end, whichever of them are the soonest: that is why its turn comes.
   */
  soonestFor(need: TrialNeed, pools: Pools): readonly string[] | null {
    const team = this.#teamFor(need, pools);
    if (team === null) return null;
    const { able, size } = team;
    const toEnd = new Map(able.map((each) => [each, this.#fits(each, need) ? 0 : this.#lentTo(each)]));
    const soonest = [...able].sort((a, b) => (toEnd.get(a) as number) - (toEnd.get(b) as number));
    return soonest.slice(0, size).map(({ workerId }) => workerId);
  }

  /** `null`: there are too few, or there may be more in a moment. */
  #teamFor(need: TrialNeed, pools: Pools): Team | null {
    const isAble = (machine: Machine) => canRun(machine, need, pools);
    const trusted = this.#machines.lendable().filter(isAble);
    const able =
      trusted.length >= need.minMachines ? trusted : [...trusted, ...this.#machines.drainedBeside().filter(isAble)];
    if (able.length >= need.machines) return { able, size: need.machines };
    if (able.length < need.minMachines) return null;
    const settledMs = able.reduce((last, each) => Math.max(last, each.settledMs), Number.NEGATIVE_INFINITY);
    if (settledMs <= this.#nowMs) return { able, size: able.length };
    this.#settledMs = Math.min(this.#settledMs ?? settledMs, settledMs);
    return null;
  }

  #lentTo({ workerId, slots, lent }: Machine): number {
    const free = this.#free.get(workerId);
    return free === undefined ? lent.length : slots - free.slots;
  }

  #fits({ workerId, slots, lent, room }: Machine, need: TrialNeed): boolean {
    const free = this.#free.get(workerId) ?? { slots: slots - lent.length, room };
    return free.slots > 0 && free.room.placesFor(need) !== null;
  }
}

/** Whether a worker could run its part of a trial, with nothing else there. */
export function canRun({ room, address, pool }: Machine, { devices, machines }: TrialNeed, pools: Pools): boolean {
  return room.devices >= devices && (machines === 1 || address !== '') && pools.has(pool);
}
