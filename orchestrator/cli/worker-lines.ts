/** Workers as `dss status` shows them. */
import { oneLine } from '../core/text.js';
import type { WorkerStanding } from '../core/worker-standing.js';
import { renderTable } from './table.js';

export function workerTable(workers: readonly WorkerStanding[]): string {
  const hasReasons = workers.some(({ reason }) => reason !== '');
  return renderTable({
    columns: [
      ...['worker', 'host', 'devices'].map((title) => ({ title, align: 'left' as const })),
      ...['slots', 'lent'].map((title) => ({ title, align: 'right' as const })),
      { title: 'state', align: 'left' },
      ...(hasReasons ? [{ title: 'reason', align: 'left' as const }] : []),
    ],
    rows: workers.map(({ workerId, host, devices, slots, lent, state, reason }) => [
      workerId,
      oneLine(host),
      oneLine(devices.join(', ')),
      String(slots),
      String(lent),
      state,
      ...(hasReasons ? [oneLine(reason)] : []),
    ]),
  });
}

/** For `--json`; scripts rely on this shape. */
export function workerValue({ workerId, host, devices, slots, lent, state, reason }: WorkerStanding): object {
  return { worker: workerId, host, devices, slots, lent, state, reason };
}
