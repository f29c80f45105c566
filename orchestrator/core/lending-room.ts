/** What is free while slots are lent, one after the other: what is lent is taken, here and not in the pool. */
import type { DeviceRoom } from './device-room.js';
import type { TrialNeed } from './trial-need.js';
import type { Machine } from './worker-pool.js';

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

export class LendingRoom {
  readonly #machines: Machines;
  /** Those of which something was taken. */
  readonly #free = new Map<string, Free>();

  constructor(machines: Machines) {
    this.#machines = machines;
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

  /** All the workers that a trial needs, the first of a gang first; `null`: they are not free. */
  workersFor(need: TrialNeed, isTaken: (workerId: string) => boolean): readonly string[] | null {
    const able = this.#ableFor(need);
    const free = able.filter((machine) => !isTaken(machine.workerId) && this.#fits(machine, need));
    return free.length < need.machines ? null : free.slice(0, need.machines).map(({ workerId }) => workerId);
  }

  /**
   * The workers on which a trial could begin soonest if they were lent nothing more; `null`: never, with these. What is
   * to end on them gets less with each end, whichever of them are the soonest: that is why its turn comes.
   */
  soonestFor(need: TrialNeed): readonly string[] | null {
    const able = this.#ableFor(need);
    if (able.length < need.machines) return null;
    const toEnd = new Map(able.map((each) => [each, this.#fits(each, need) ? 0 : this.#lentTo(each)]));
    const soonest = [...able].sort((a, b) => (toEnd.get(a) as number) - (toEnd.get(b) as number));
    return soonest.slice(0, need.machines).map(({ workerId }) => workerId);
  }

  #ableFor(need: TrialNeed): readonly Machine[] {
    const able = this.#machines.lendable().filter((machine) => canRun(machine, need));
    if (able.length >= need.machines) return able;
    return [...able, ...this.#machines.drainedBeside().filter((machine) => canRun(machine, need))];
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
export function canRun({ room, address }: Machine, { devices, machines }: TrialNeed): boolean {
  return room.devices >= devices && (machines === 1 || address !== '');
}
