/** Refuses a sweep with trials that no device at hand has the memory for, with the arithmetic. */
import { byteCount } from '../../core/byte-count.js';
import { needsGpu } from '../../core/cost/fit.js';
import { SweepError } from '../../core/errors.js';
import { findMisfits, type Misfit } from '../../plan/misfits.js';
import type { Plan } from '../../plan/plan-sweep.js';
import { counted } from '../../reports/format.js';
import { type SweepReader, withReader } from '../readers/sweep-reader.js';
import type { Server } from '../server/find-server.js';
import { devicesThatAreThere } from './chosen-devices.js';
import { wayText } from './cost-text.js';
import type { Standing } from './plan-text.js';

export interface MisfitFlags {
  readonly home?: string | undefined;
  readonly server?: string | undefined;
  readonly ignoreMemory?: boolean | undefined;
}

/** @throws SweepError DOES_NOT_FIT */
export async function refuseMisfits(
  plan: Plan,
  { states }: Standing,
  flags: MisfitFlags,
  server: Server | null,
): Promise<void> {
  const toRun = plan.trials.filter(({ trialId }) => !states.has(trialId));
  const onGpus = toRun.filter(({ settings }) => needsGpu(settings));
  if (flags.ignoreMemory === true && onGpus.length === 0) return;
  const workersOf = (reader: SweepReader) => reader.workers();
  const workers = server === null ? null : await withReader(flags, workersOf);
  const choices = await devicesThatAreThere(workers, undefined);
  // Of a place elsewhere the devices here say nothing of this.
  const isHere = plan.options.place.on === 'local' && choices.length > 0;
  if (isHere && onGpus.length > 0 && choices.every(({ kind }) => kind.kind === 'cpu')) throw withoutGpu(onGpus.length);
  if (flags.ignoreMemory === true) return;
  const misfits = await findMisfits(toRun, choices);
  const [first] = misfits;
  if (first === undefined) return;
  const count = misfits.reduce((sum, { trials }) => sum + trials, 0);
  throw new SweepError(
    'DOES_NOT_FIT',
    [`${counted(count, 'trial does', 'trials do')} not fit on any device here:`, ...misfits.map(lineOf)].join('\n'),
    { hint: hintOf(first) },
  );
}

function withoutGpu(trials: number): SweepError {
  const what = counted(trials, 'trial asks', 'trials ask');
  return new SweepError(
    'DOES_NOT_FIT',
    `${what} for \`optimizer: adamw8bit\`, which runs on a GPU, and there is none`,
    {
      hint: 'use `optimizer: adamw`, which is another method with results of its own, or workers with a GPU',
    },
  );
}

function lineOf({ trial: { settings }, bytes, parts, choice: { kind }, left }: Misfit): string {
  const largest = Object.entries(parts)
    .filter(([, size]) => size > 0.01 * bytes)
    .sort(([, a], [, b]) => b - a)
    .map(([name, size]) => `${name} ${byteCount(size)}`);
  const few = left === null ? '' : `, once it goes on with min_machines: ${left}`;
  const what = `${settings.model} on ${settings.dataset}, ${settings.model_type}${few}`;
  return `${what}: needs ${byteCount(bytes)} (${largest.join(', ')}); ${kind.name} has ${byteCount(kind.memoryBytes)}`;
}

function hintOf({ devices, ways, left }: Misfit): string {
  const more = devices === null ? [] : [`it fits on ${devices} with \`devices: ${devices}\``];
  const all =
    left === null ? [...more, ...ways.map(wayText)] : ['it fits on all of its machines: raise `min_machines`'];
  return [...all, '`dss plan FILE --device NAME` looks at others; --ignore-memory tries it all the same'].join('; ');
}
