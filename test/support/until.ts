/** Waits for what nobody tells of: a cluster, or a process of one, is looked at until it is so. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Seldom enough that looking takes nothing from what is looked at. */
const LOOK_EVERY_MS = 50;

export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(LOOK_EVERY_MS);
}
