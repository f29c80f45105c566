/** Workers as `dss status` shows them. */
import { oneLine } from '../../core/text.js';
import type { TrialProgress } from '../../core/trial-progress.js';
import type { DeviceLoad, WorkerStanding } from '../../core/worker-standing.js';
import { renderTable } from '../table.js';

const GIB = 2 ** 30;

/** Columns that say nothing of any worker are left out. */
export function workerTable(workers: readonly WorkerStanding[]): string {
  const columns = COLUMNS.filter(({ isOptional, text }) => !isOptional || workers.some((each) => text(each) !== ''));
  return renderTable({ columns, rows: workers.map((worker) => columns.map(({ text }) => oneLine(text(worker)))) });
}

interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  readonly isOptional?: boolean;
  readonly text: (worker: WorkerStanding) => string;
}

const COLUMNS: readonly Column[] = [
  { title: 'worker', align: 'left', text: ({ workerId }) => workerId },
  { title: 'host', align: 'left', text: ({ host }) => host },
  { title: 'devices', align: 'left', text: ({ devices }) => devices.join(', ') },
  { title: 'device load', align: 'right', isOptional: true, text: ({ load }) => loadText(load?.devices ?? []) },
  { title: 'memory', align: 'right', isOptional: true, text: ({ load }) => memoryText(load?.devices ?? []) },
  { title: 'slots', align: 'right', text: ({ slots }) => String(slots) },
  { title: 'lent', align: 'right', text: ({ lent }) => String(lent) },
  { title: 'state', align: 'left', text: stateText },
  { title: 'reason', align: 'left', isOptional: true, text: ({ reason }) => reason },
];

/** Of each device, whoever causes it; whoever has several wants to see the one that does nothing. */
function loadText(devices: readonly DeviceLoad[]): string {
  const shares = devices.map(({ utilization }) => (utilization === null ? '?' : String(Math.round(utilization * 100))));
  return shares.some((each) => each !== '?') ? `${shares.join(', ')} %` : '';
}

function memoryText(devices: readonly DeviceLoad[]): string {
  const [used, total] = devices.reduce(
    ([a, b], { memoryUsedBytes, memoryTotalBytes }) => [a + memoryUsedBytes, b + memoryTotalBytes],
    [0, 0],
  );
  return total === 0 ? '' : `${(used / GIB).toFixed(1)} of ${(total / GIB).toFixed(1)} GiB`;
}

/** A process that is not up yet is why a busy worker gets nowhere at first. */
function stateText({ state, load, slots }: WorkerStanding): string {
  const isUp = state === 'idle' || state === 'busy';
  return isUp && load !== null && load.warm < slots ? `${state}, starting` : state;
}

/** For `--json`; scripts rely on this shape. */
export function workerValue({ workerId, ...worker }: WorkerStanding): object {
  const { host, devices, slots, lent, state, reason, load, running } = worker;
  return { worker: workerId, host, devices, slots, lent, state, reason, load, running: running.map(idOf) };
}

/** For `--json`; `undefined`: nobody says how far it is. */
export function progressValue(progress: TrialProgress | undefined): object | null {
  if (progress === undefined) return null;
  const { step, maxSteps, loss, examplesPerSecond, phase } = progress;
  return { step, max_steps: maxSteps, loss, examples_per_second: examplesPerSecond, phase };
}

function idOf({ trialId }: TrialProgress): string {
  return trialId;
}
