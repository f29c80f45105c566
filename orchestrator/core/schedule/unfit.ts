/** Trials that wait for more than there is, which no waiting brings. */
import { byteCount } from '../byte-count.js';
import type { Notice } from '../notice.js';
import type { Machines } from './lending-room.js';
import { canRun } from './lending-room.js';
import type { LiveSweep } from './live-sweep.js';
import { describeNeed, sizeOf, type TrialNeed } from './trial-need.js';
import type { Machine } from './worker-pool.js';

export interface UnfitNeed extends Notice {
  /** Equal as long as the sweep and the need are, whoever comes and goes. */
  readonly key: string;
}

/** What could not begin even with all the workers that take it free, once for each sweep and need. */
export function unfitNeeds(
  sweeps: Iterable<LiveSweep>,
  needOf: (row: number) => TrialNeed,
  machines: Machines,
): readonly UnfitNeed[] {
  const unfit: UnfitNeed[] = [];
  for (const sweep of sweeps) {
    let there: readonly Machine[] | null = null;
    for (let turn = sweep.nextOpen(0); turn >= 0; turn = sweep.nextOpen(sweep.sizeEnd(turn))) {
      const need = needOf(sweep.rows[turn] as number);
      if (sizeOf(need) === 1) break; // the smallest come last
      there ??= [...machines.lendable(), ...machines.drainedBeside()].filter(({ pool }) => sweep.pools.has(pool));
      if (there.length === 0) break; // everything waits, and everybody sees why
      const able = there.filter((machine) => canRun(machine, need, sweep.pools)).length;
      if (able < need.minMachines) unfit.push(noticeOf(sweep, need, there));
    }
  }
  return unfit;
}

function noticeOf({ name }: LiveSweep, need: TrialNeed, there: readonly Machine[]): UnfitNeed {
  const devices = there.reduce((most, { room }) => Math.max(most, room.devices), 0);
  const meeting = there.filter(({ address }) => address !== '').length;
  const of = need.memoryBytes === 0 ? '' : `, ${byteCount(need.memoryBytes)} on each`;
  const most = `${there.length} ${there.length === 1 ? 'worker is' : 'workers are'} there, with ${devices} at most`;
  const together = need.machines === 1 ? '' : `, ${meeting} of them where others could meet them`;
  const what = `a trial of sweep ${name} needs ${describeNeed(need)}${of}`;
  return {
    key: what,
    code: 'NEED_UNFIT',
    message: `${what}; ${most}${together}`,
    hint: 'it waits until there are more: start a worker that has them, or ask for less with `devices` or `machines`',
  };
}
