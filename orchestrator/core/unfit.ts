/** Trials that wait for more than there is, which no waiting brings. */
import type { Machines } from './lending-room.js';
import { canRun } from './lending-room.js';
import type { LiveSweep } from './live-sweep.js';
import { describeNeed, sizeOf, type TrialNeed } from './trial-need.js';

/** For people: what could not begin even with all the workers within reach free, once for each sweep and need. */
export function unfitNeeds(
  sweeps: Iterable<LiveSweep>,
  needOf: (row: number) => TrialNeed,
  machines: Machines,
): readonly string[] {
  const there = [...machines.lendable(), ...machines.drainedBeside()];
  if (there.length === 0) return []; // everything waits, and everybody sees why
  const unfit: string[] = [];
  for (const sweep of sweeps) {
    for (let turn = sweep.nextOpen(0); turn >= 0; turn = sweep.nextOpen(sweep.sizeEnd(turn))) {
      const need = needOf(sweep.rows[turn] as number);
      if (sizeOf(need) === 1) break; // the smallest come last
      const able = there.filter((machine) => canRun(machine, need)).length;
      if (able < need.machines)
        unfit.push(`a trial of sweep ${sweep.name} needs ${describeNeed(need)}, ${able} are there`);
    }
  }
  return unfit;
}
