/** A sweep that nobody works for: what no progress line would ever say. */
import type { Notice } from '../../core/notice.js';
import type { SweepStanding } from '../../core/sweep/sweep-options.js';
import type { WorkerStanding } from '../../core/worker-standing.js';

/** Workers elsewhere are started for the sweep, which takes a while; here they come when somebody starts one. */
export function needsJoining({ state, options }: Pick<SweepStanding, 'state' | 'options'>): boolean {
  return state === 'active' && options.place.on === 'local';
}

/** Of a sweep that needs them; `null`: some are connected. */
export function noWorkerNotice(workers: readonly WorkerStanding[]): Notice | null {
  return workers.some(({ state }) => state !== 'gone')
    ? null
    : {
        code: 'NO_WORKER',
        message: 'no worker is connected so far, and its trials wait for one',
        hint: '`dss worker` joins with the devices of its machine; `dss serve --workers auto` has its own',
      };
}
