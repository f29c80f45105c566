/**
 * What `dss plan` would have said of trials that have run, and how large their models are. A plan goes by what earlier
 * trials measured on the same device with the same model; so each cell is planned from the others, never from itself.
 */
import { DEVICE_KINDS, type DeviceKind, kindNameOf } from '../../core/cost/device-kinds.js';
import { trialFlops } from '../../core/cost/flops.js';
import { parameterCount } from '../../core/cost/shape.js';
import { type Measured, predictTime } from '../../core/cost/time.js';
import type { TrialRecord } from '../../core/records.js';
import { needOf } from '../../core/schedule/trial-need.js';
import { type SizedTrial, TrialSizes } from '../../plan/trial-facts.js';
import { keyOfCell } from '../../reports/cell-groups.js';
import type { ParametersOf } from '../../reports/figures/size-curves.js';
import type { PlannedSecondsOf } from '../../reports/planned.js';
import { measuredOf } from './measured-before.js';

export interface PlannedAgain {
  readonly parametersOf: ParametersOf;
  readonly plannedSecondsOf: PlannedSecondsOf;
}

/** Medians of more say the same. */
const MOST_MEASURED = 500;

/** Models and datasets need not be here any more; of those that are not, nothing is known but what their names say. */
export async function planAgain(records: readonly TrialRecord[]): Promise<PlannedAgain> {
  const known = new TrialSizes();
  const kinds = new Map<string, { record: TrialRecord; sizes: SizedTrial | null }>();
  const parameters = new Map<string, number>();
  const measured: { readonly cell: string; readonly measured: Measured }[] = [];
  for (const record of records) {
    const cell = keyOfCell(record.trial.settings);
    const own = measuredOf(record);
    if (own !== null && measured.length < MOST_MEASURED) measured.push({ cell, measured: own });
    const kind = kindOfTrial(record);
    if (kinds.has(kind)) continue;
    const sizes = await known.of(record.trial);
    kinds.set(kind, { record, sizes });
    const shape = sizes?.shape ?? (await known.shapeOf(record.trial));
    if (shape !== null) parameters.set(record.trial.settings.model, parameterCount(shape));
  }
  const seconds = new Map<string, number | null>();
  for (const [kind, { record, sizes }] of kinds) {
    const cell = keyOfCell(record.trial.settings);
    const others = measured.filter((each) => each.cell !== cell).map((each) => each.measured);
    seconds.set(kind, sizes === null ? null : secondsOf(record, sizes, others));
  }
  return {
    parametersOf: (model) => parameters.get(model) ?? null,
    plannedSecondsOf: (record) => seconds.get(kindOfTrial(record)) ?? null,
  };
}

/** Seeds of a cell may have run on several devices, and each plan is for one. */
function kindOfTrial({ trial, result }: TrialRecord): string {
  return `${keyOfCell(trial.settings)}${result?.environment['device_name'] ?? ''}`;
}

function secondsOf({ trial, result }: TrialRecord, sizes: SizedTrial, measured: readonly Measured[]): number | null {
  const device = result?.environment['device_name'];
  if (device === undefined) return null;
  const { settings, shape, lengths, rows } = sizes;
  const flops = trialFlops(shape, settings, lengths, rows);
  const { devices, machines } = needOf(trial.run);
  return (
    predictTime({ settings, shape, flops, devices: devices * machines }, kindOf(device), measured)?.seconds ?? null
  );
}

/** A processor has no peak that anybody could look up: it is planned for by what was measured alone. */
function kindOf(device: string): DeviceKind {
  const name = kindNameOf(device) ?? device;
  return (
    DEVICE_KINDS.get(name) ?? {
      name,
      kind: 'cpu',
      memoryBytes: 0,
      peakFlops: {},
      perMachine: 1,
      pricePerHour: null,
      source: '',
      isVerified: false,
    }
  );
}
