/** The agents that run on a head, found in /proc by what its processes have in their environment. Linux only. */
import { commandLineOf } from '../../support/processes.js';
import type { RayHead } from './ray-head.js';

/** Their processes by worker id. */
export function workersOf(head: RayHead): ReadonlyMap<string, number> {
  const workers = new Map<string, number>();
  for (const pid of head.processes) {
    const words = commandLineOf(pid);
    const workerId = words[words.indexOf('--worker-id') + 1];
    if (words.includes('dss_worker.ray_worker') && workerId !== undefined && words.includes('--worker-id')) {
      workers.set(workerId, pid);
    }
  }
  return workers;
}
