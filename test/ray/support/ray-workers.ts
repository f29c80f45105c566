/** Workers on a head: those that run, found in /proc (Linux only), and those that a state folder knows. */
import { openJournal } from '../../../orchestrator/journal/sqlite/sqlite-journal.js';
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

/** Every worker to whom something was lent. */
export function lentTo(home: string): ReadonlySet<string> {
  const journal = openJournal(home);
  try {
    return new Set([...journal.events()].flatMap(({ event }) => (event.kind === 'begun' ? [event.workerId] : [])));
  } finally {
    journal.close();
  }
}
