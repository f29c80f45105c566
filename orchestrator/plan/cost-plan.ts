/** Trials → what each kind of them needs, whether it fits, and what it costs. */
import type { DeviceChoice } from '../core/cost/device-kinds.js';
import { type Fit, fitOn } from '../core/cost/fit.js';
import { type TrialFlops, trialFlops } from '../core/cost/flops.js';
import { pairsOf, rowWork } from '../core/cost/lengths.js';
import { trainedParameters } from '../core/cost/memory.js';
import { type CostSum, sumOf } from '../core/cost/sums.js';
import { type Measured, type PredictedTime, predictTime } from '../core/cost/time.js';
import type { Trial } from '../core/domain.js';
import { needOf, sizeOf } from '../core/schedule/trial-need.js';
import { expectedDownloads } from './absent-sources.js';
import { type SizedTrial, TrialSizes } from './trial-facts.js';

/** Trials that cost the same: they differ in seed, labels or learning rate. */
export interface TrialKind {
  /** The first of them. */
  readonly trial: Trial;
  readonly trials: number;
  readonly sizes: Sizes | null;
  /** In the order of the devices that were asked for; empty where sizes are not known. */
  readonly places: readonly PlacedKind[];
}

export interface Sizes {
  readonly parameters: number;
  readonly trainedParameters: number;
  readonly trainRows: number;
  /** Of a row, its pairs together. */
  readonly tokensPerRow: number;
  readonly lengthsFrom: SizedTrial['lengths']['source'];
  readonly flops: TrialFlops;
  /** While it runs: its newest checkpoint. */
  readonly checkpointBytes: number;
  /** Of the model that stays when it has ended. */
  readonly keptBytes: number;
}

export interface PlacedKind {
  readonly choice: DeviceChoice;
  readonly fit: Fit;
  /** On the fewest machines that it may go on with, and no others; `null`: it waits for all of them. */
  readonly fewest: Fit | null;
  readonly time: PredictedTime | null;
}

export interface CostPlan {
  readonly kinds: readonly TrialKind[];
  /** Of each device that was asked for. */
  readonly sums: readonly { readonly choice: DeviceChoice; readonly sum: CostSum }[];
  /** Of all trials that stay on disk. */
  readonly keptBytes: number;
  /** Of the trial with the largest one. */
  readonly checkpointBytes: number;
  /** Of weights that are not here, by model. */
  readonly downloads: ReadonlyMap<string, number>;
}

export interface CostOptions {
  readonly choices: readonly DeviceChoice[];
  readonly measured: readonly Measured[];
  /** Rows of each dataset's training split, where they were counted. */
  readonly trainRows: ReadonlyMap<string, number>;
}

const FLOAT32 = 4;

/** @param trials those that are to run, each once */
export async function planCost(trials: Iterable<Trial>, options: CostOptions): Promise<CostPlan> {
  const groups = new Map<string, { trial: Trial; count: number }>();
  for (const trial of trials) {
    const key = kindOf(trial);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { trial, count: 1 });
    else group.count += 1;
  }
  const sizes = new TrialSizes();
  const kinds: TrialKind[] = [];
  for (const { trial, count } of groups.values()) kinds.push(await priced(trial, count, sizes, options));
  const sums = options.choices.map((choice, index) => ({ choice, sum: sumOfPlace(kinds, index, choice) }));
  return {
    kinds,
    sums,
    keptBytes: kinds.reduce((sum, { trials: count, sizes: known }) => sum + count * (known?.keptBytes ?? 0), 0),
    downloads: expectedDownloads(kinds.map(({ trial }) => trial)),
    checkpointBytes: kinds.reduce((most, { sizes: known }) => Math.max(most, known?.checkpointBytes ?? 0), 0),
  };
}

/** All that its cost depends on. */
function kindOf({ settings, run, model, dataset }: Trial): string {
  const { seed, label_type, llm, lr, lora_alpha, gen_max_len, alpha, ...rest } = settings;
  const tasks = alpha === 0 || alpha === 1 ? alpha : null;
  const { directory, memoryBytes, compile, ...how } = run;
  return JSON.stringify([rest, tasks, how, model.directory, dataset.directory]);
}

async function priced(
  trial: Trial,
  count: number,
  known: TrialSizes,
  { choices, measured, trainRows }: CostOptions,
): Promise<TrialKind> {
  const facts = await known.of(trial, trainRows.get(trial.settings.dataset));
  if (facts === null) return { trial, trials: count, sizes: null, places: [] };
  const { shape, settings, lengths, rows } = facts;
  const flops = trialFlops(shape, settings, lengths, rows);
  const { all, trained } = trainedParameters(facts);
  // Weights, two moments, and the selected weights.
  const checkpointBytes = FLOAT32 * trained * (settings.select === 'valid' ? 4 : 3);
  const sizes: Sizes = {
    parameters: all,
    trainedParameters: trained,
    trainRows: rows.train,
    tokensPerRow: rowWork(pairsOf(lengths, settings)).tokens.mean,
    lengthsFrom: lengths.source,
    flops,
    checkpointBytes,
    keptBytes: (trial.run.keep === 'none' ? 0 : FLOAT32 * all) + (trial.run.keepCheckpoints ? checkpointBytes : 0),
  };
  const places = choices.map((choice): PlacedKind => {
    const need = needOf(trial.run);
    const least = { ...need, machines: need.minMachines };
    const fit = fitOn(facts, need, choice);
    const isFewer = need.minMachines < need.machines;
    const fewest = isFewer ? fitOn(facts, least, { ...choice, count: sizeOf(least) }) : null;
    const time =
      fit.fits === false ? null : predictTime({ settings, shape, flops, devices: fit.devices }, choice.kind, measured);
    return { choice, fit, fewest, time };
  });
  return { trial, trials: count, sizes, places };
}

function sumOfPlace(kinds: readonly TrialKind[], index: number, { kind }: DeviceChoice): CostSum {
  const costs = kinds.map(({ trials, places }) => {
    const place = places[index];
    if (place === undefined) return { trials, fits: null, devices: 1, seconds: null };
    const { fit, time } = place;
    return { trials, fits: fit.fits, devices: fit.devices, seconds: time?.seconds ?? null };
  });
  return sumOf(costs, kind.pricePerHour);
}
