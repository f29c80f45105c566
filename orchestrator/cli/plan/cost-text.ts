/** What a plan costs: a table, sums in words, and the part of the document of `--json`. */
import { byteCount } from '../../core/byte-count.js';
import type { DeviceChoice } from '../../core/cost/device-kinds.js';
import type { Way } from '../../core/cost/fit.js';
import { ASSUMED_MFU, LAYER_SECONDS } from '../../core/cost/time.js';
import { describeNeed, needOf } from '../../core/schedule/trial-need.js';
import type { CostPlan, PlacedKind, TrialKind } from '../../plan/cost-plan.js';
import { counted, duration } from '../../reports/format.js';
import { renderTable } from '../table.js';

const NOTHING = '–';
/** In a terminal. */
const MOST_ROWS = 200;

export function costLines(plan: CostPlan): readonly string[] {
  const sized = plan.kinds.filter(({ sizes }) => sizes !== null);
  const unknown = plan.kinds.filter(({ sizes }) => sizes === null);
  const names = [...new Set(unknown.map(({ trial: { settings } }) => `${settings.model} on ${settings.dataset}`))];
  return [
    ...(sized.length === 0 ? [] : tableLines(sized)),
    ...wayLines(sized),
    ...names.map((name) => `not priced: ${name}, whose sizes or lengths are not known before it runs`),
    ...plan.sums.flatMap(({ choice, sum }) => sumLine(choice, sum)),
    ...diskLines(plan),
    ...downloadLines(plan),
    ...assumptionLines(plan),
  ];
}

function tableLines(kinds: readonly TrialKind[]): readonly string[] {
  const rows = mergedRows(kinds.flatMap((kind) => kind.places.map((place) => rowOf(kind, place))));
  const left = ['model', 'dataset', 'method', 'device', 'fits'];
  const titles = [
    'model',
    'dataset',
    'method',
    'batch',
    'parameters',
    'device',
    'memory',
    'fits',
    'rows',
    'each',
    'trials',
  ];
  const columns = titles.map((title) => ({
    title,
    align: left.includes(title) ? ('left' as const) : ('right' as const),
  }));
  const more = rows.length - MOST_ROWS;
  return [
    ...renderTable({ columns, rows: rows.slice(0, MOST_ROWS) }).split('\n'),
    ...(more > 0 ? [`and ${counted(more, 'more line')}: --json has all of them`] : []),
  ];
}

interface Row {
  /** What tells it from others. */
  readonly cells: readonly string[];
  readonly trainRows: number;
  readonly seconds: number | null;
  readonly trials: number;
}

/** Trials that differ in the share of their data alone are a line, with the smallest and the largest of them. */
function mergedRows(rows: readonly Row[]): readonly (readonly string[])[] {
  const lines = new Map<string, Row[]>();
  for (const row of rows) {
    const key = row.cells.join('\n');
    const line = lines.get(key);
    if (line === undefined) lines.set(key, [row]);
    else line.push(row);
  }
  return [...lines.values()].map((line) => [
    ...(line[0]?.cells ?? []),
    range(
      line.map(({ trainRows }) => trainRows),
      (value) => value.toLocaleString('en'),
    ),
    range(
      line.flatMap(({ seconds }) => seconds ?? []),
      duration,
    ),
    line.reduce((sum, { trials }) => sum + trials, 0).toLocaleString('en'),
  ]);
}

function range(values: readonly number[], text: (value: number) => string): string {
  if (values.length === 0) return NOTHING;
  const [least, most] = [text(Math.min(...values)), text(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}

function rowOf({ trial, trials, sizes }: TrialKind, { choice, fit, time }: PlacedKind): Row {
  const { settings } = trial;
  const cells = [
    settings.model,
    settings.dataset,
    methodOf(trial),
    String(settings.batch_size * settings.grad_steps),
    parametersOf(sizes?.parameters ?? 0),
    `${fit.devices > 1 ? `${fit.devices} × ` : ''}${choice.kind.name}`,
    byteCount(fit.memory.total),
    fitText(fit),
  ];
  return { cells, trainRows: sizes?.trainRows ?? 0, seconds: time?.seconds ?? null, trials };
}

function methodOf({ settings: { model_type, optimizer, adapter, precision } }: TrialKind['trial']): string {
  const unusual = [optimizer === 'adamw' ? '' : optimizer, adapter === 'none' ? '' : adapter, precision];
  return [model_type, ...unusual.filter((word) => word !== '')].join(' ');
}

function parametersOf(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(2)} B` : `${(count / 1e6).toFixed(1)} M`;
}

function fitText({ fits, lacksGpu, shortBytes, memory, layout }: PlacedKind['fit']): string {
  if (fits === null) return 'not known';
  if (lacksGpu) return 'no, needs a GPU';
  if (!fits) return shortBytes === 0 ? 'no, too few' : `no, ${byteCount(shortBytes)} short`;
  const how = [
    ...(layout.tensor === 1 ? [] : [`layout ${layout.shard}x${layout.tensor}`]),
    ...(memory.isCheckpointed ? ['checkpointing'] : []),
  ];
  return how.length === 0 ? 'yes' : `yes, with ${how.join(' and ')}`;
}

const NEEDS_GPU = '`optimizer: adamw8bit` runs on a GPU alone; `optimizer: adamw` runs here';

/** What would have to be done for a trial to fit, each once. */
function wayLines(kinds: readonly TrialKind[]): readonly string[] {
  const lines = kinds.flatMap(({ trial, places }) =>
    places.flatMap(({ choice, fit, fewest }) => {
      const what = `${trial.settings.model} (${methodOf(trial)}) on ${choice.kind.name}`;
      if (fit.lacksGpu) return [`${what}: ${NEEDS_GPU}`];
      if (fit.asksForFewer) {
        const asked = describeNeed(needOf(trial.run));
        return [`${what}: the file asks for ${asked}; it fits on ${fit.devices}: \`devices: ${fit.devices}\``];
      }
      if (fit.fits === true && fewest?.fits === false) {
        const few = `the ${fewest.devices} that min_machines: ${trial.run.minMachines} may leave it`;
        return [`${what}: fits on ${fit.devices}, and not on ${few}: ${byteCount(fewest.shortBytes)} short`];
      }
      if (fit.fits !== false) return [];
      if (fit.shortBytes === 0) {
        const there = choice.count === 1 ? 'there is 1' : `there are ${choice.count}`;
        return [`${what}: the file asks for ${describeNeed(needOf(trial.run))}, and ${there}`];
      }
      const ways = fit.ways.map(wayText);
      const tried = `does not fit on ${fit.devices}`;
      return [
        `${what}: ${tried}; ${ways.length === 0 ? 'nothing that dss offers would make it fit' : ways.join('; or ')}`,
      ];
    }),
  );
  return [...new Set(lines)];
}

export function wayText({ settings, devices, hostBytes, isOtherMethod }: Way): string {
  const named = Object.entries(settings).map(([name, value]) => `${name}: ${value}`);
  const other = isOtherMethod ? ', which is another method, with results of its own' : '';
  const host = hostBytes === 0 ? '' : ` and ${byteCount(hostBytes)} of ordinary memory`;
  return `it fits on ${devices} with \`${named.join(', ')}\`${host}${other}`;
}

function sumLine({ kind, count }: DeviceChoice, sum: CostPlan['sums'][number]['sum']): readonly string[] {
  const hasHours = sum.unknown < sum.trials - sum.doNotFit || sum.deviceHours > 0;
  const leftOut = hasHours ? ', which the hours leave out' : '';
  const parts = [
    `${count === null ? '' : `${count} × `}${kind.name}: ${counted(sum.trials, 'trial')} to run`,
    ...(hasHours ? [`${hours(sum.deviceHours)} device hours`] : []),
    ...(sum.price === null ? [] : [`price ${sum.price.toFixed(2)}`]),
    ...(sum.doNotFit === 0 ? [] : [`${counted(sum.doNotFit, 'does', 'do')} not fit${leftOut}`]),
    ...(sum.unknown === 0 ? [] : [`of ${sum.unknown.toLocaleString('en')} the time is not known`]),
  ];
  return sum.trials === 0 ? [] : [parts.join(', ')];
}

function hours(value: number): string {
  return value < 10 ? value.toPrecision(2) : Math.round(value).toLocaleString('en');
}

function diskLines({ keptBytes, checkpointBytes }: CostPlan): readonly string[] {
  if (checkpointBytes === 0) return [];
  const kept = keptBytes > 0 ? `, ${byteCount(keptBytes)} of models that are kept` : '';
  return [`disk: up to ${byteCount(checkpointBytes)} of a checkpoint for each trial that runs${kept}`];
}

function downloadLines({ downloads }: CostPlan): readonly string[] {
  if (downloads.size === 0) return [];
  const models = [...downloads].map(([model, bytes]) => `${model} ${byteCount(bytes)}`);
  const all = [...downloads.values()].reduce((sum, bytes) => sum + bytes, 0);
  return [`download: about ${byteCount(all)} of weights (${models.join(', ')})`];
}

function assumptionLines({ kinds, sums }: CostPlan): readonly string[] {
  const places = kinds.flatMap((kind) => kind.places);
  const times = places.flatMap(({ time }) => (time === null ? [] : [time]));
  const assumed = [...new Set(kinds.map(({ trial }) => trial.settings.precision))].map(
    (precision) => `${Math.round(100 * ASSUMED_MFU[precision])} % in ${precision}`,
  );
  const guesses = sums.filter(({ choice: { kind } }) => !kind.isVerified).map(({ choice }) => choice.kind);
  const isCharacters = kinds.some(({ sizes }) => sizes?.lengthsFrom === 'characters');
  return [
    ...(times.some(({ from }) => from === 'measured')
      ? ['time: by what earlier trials or a probe measured, where there is such']
      : []),
    ...(times.some(({ from }) => from === 'assumed')
      ? [
          `time: assumed, products at ${assumed.join(', ')} of the device's peak and ${1_000 * LAYER_SECONDS} ms a layer ` +
            'and step; trials with results on it are measured',
        ]
      : []),
    ...(isCharacters ? ['tokens: estimated from characters, four a token'] : []),
    ...guesses.map(({ name, source }) => `${name}: numbers not checked (${source})`),
  ];
}

/** Scripts rely on this shape. */
export function costValue(plan: CostPlan): Readonly<Record<string, unknown>> {
  return {
    devices: plan.sums.map(({ choice: { kind, count }, sum }) => ({
      name: kind.name,
      count,
      memory_bytes: kind.memoryBytes === 0 ? null : kind.memoryBytes,
      price_per_hour: kind.pricePerHour,
      source: kind.source,
      verified: kind.isVerified,
      trials: sum.trials,
      device_hours: sum.deviceHours,
      price: sum.price,
      do_not_fit: sum.doNotFit,
      time_unknown: sum.unknown,
    })),
    checkpoint_bytes: plan.checkpointBytes,
    kept_bytes: plan.keptBytes,
    downloads: [...plan.downloads].map(([model, bytes]) => ({ model, bytes })),
    kinds: plan.kinds.map(kindValue),
  };
}

function kindValue({ trial, trials, sizes, places }: TrialKind): Readonly<Record<string, unknown>> {
  const { seed, label_type, llm, lr, ...settings } = trial.settings;
  return {
    settings,
    trials,
    parameters: sizes?.parameters ?? null,
    trained_parameters: sizes?.trainedParameters ?? null,
    train_rows: sizes?.trainRows ?? null,
    tokens_per_row: sizes?.tokensPerRow ?? null,
    lengths_from: sizes?.lengthsFrom ?? null,
    step_flops: sizes?.flops.step ?? null,
    flops: sizes === null ? null : sizes.flops.training + sizes.flops.evaluation,
    places: places.map(({ choice, fit, fewest, time }) => ({
      device: choice.kind.name,
      devices: fit.devices,
      fits: fit.fits,
      fits_on_min_machines: fewest === null ? fit.fits : fewest.fits,
      memory_bytes: Math.ceil(fit.memory.total),
      memory_parts: Object.fromEntries(
        Object.entries(fit.memory.parts).map(([part, bytes]) => [part, Math.ceil(bytes)]),
      ),
      short_bytes: Math.ceil(fit.shortBytes),
      layout: fit.layout,
      gradient_checkpointing: fit.memory.isCheckpointed,
      pass_tokens: fit.memory.passTokens,
      ways: fit.ways.map(({ settings: named, devices, hostBytes, isOtherMethod }) => ({
        settings: named,
        devices,
        host_bytes: Math.ceil(hostBytes),
        other_method: isOtherMethod,
      })),
      seconds: time?.seconds ?? null,
      time_from: time?.from ?? null,
    })),
  };
}
