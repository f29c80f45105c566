/** Whether a trial fits on a kind of device, over how many of them, and else what would make it fit. */

import type { TrialNeed } from '../schedule/trial-need.js';
import { autoLayout, type Layout } from '../sweep/layout.js';
import type { DeviceChoice } from './device-kinds.js';
import { hostMomentBytes, type PredictedMemory, predictMemory, type TrialFacts } from './memory.js';

/** Of a GPU's memory, what CUDA's context and holes between tensors take. */
const KEPT_BACK = { cuda: 0.06, cpu: 0 } as const;

export interface Fit {
  /** Over all machines; of a trial that does not fit, those that it was tried on. */
  readonly devices: number;
  /** How they divide the model. */
  readonly layout: Layout;
  readonly memory: PredictedMemory;
  /** `null`: nobody knows the device's memory. */
  readonly fits: boolean | null;
  /** It runs on GPUs alone, and this is none, however much memory it has. */
  readonly lacksGpu: boolean;
  /** By how much it does not fit; 0 where it does. */
  readonly shortBytes: number;
  /** It fits, though not on as few as the file asks for. */
  readonly asksForFewer: boolean;
  /** Other ways that fit, the one that changes least first; of a trial that does not fit. */
  readonly ways: readonly Way[];
}

export interface Way {
  /** As a sweep file has them. */
  readonly settings: Readonly<Record<string, string | number>>;
  readonly devices: number;
  /** That it needs of ordinary memory, on all machines together. */
  readonly hostBytes: number;
  /** It trains something else: another trial, with its own id and its own name in a report. */
  readonly isOtherMethod: boolean;
}

/** With few devices first: they talk least. */
export function fitOn(facts: TrialFacts, need: Pick<TrialNeed, 'devices' | 'machines'>, choice: DeviceChoice): Fit {
  const asked = need.devices * need.machines;
  const counts = countsFrom(asked, choice);
  const tried = counts.map((devices) => tryOn(facts, devices, choice));
  const found = tried.find(({ fits }) => fits !== false) ?? tried.at(-1);
  if (found === undefined) {
    // More than there are.
    const alone = tryOn(facts, asked, choice);
    return { ...alone, fits: false, asksForFewer: false, ways: [] };
  }
  const ways = found.fits === false ? waysToFit(facts, counts, choice) : [];
  return { ...found, asksForFewer: found.fits === true && found.devices > asked, ways };
}

/** Multiples of what is asked for, up to what a machine has. */
function countsFrom(asked: number, { kind, count }: DeviceChoice): readonly number[] {
  if (count !== null) return asked <= count ? [...doublings(asked, count)] : [];
  return kind.kind === 'cpu' ? [asked] : doublings(asked, Math.max(asked, kind.perMachine));
}

function doublings(from: number, to: number): number[] {
  const counts: number[] = [];
  for (let devices = from; devices <= to; devices *= 2) counts.push(devices);
  if (counts.at(-1) !== to && from <= to) counts.push(to);
  return counts;
}

function tryOn(facts: TrialFacts, devices: number, { kind }: DeviceChoice): Omit<Fit, 'asksForFewer' | 'ways'> {
  const isKnown = kind.memoryBytes > 0;
  const usable = isKnown ? kind.memoryBytes * (1 - KEPT_BACK[kind.kind]) : Number.MAX_SAFE_INTEGER;
  const layout = layoutAt(facts, devices, kind.perMachine);
  const memory = predictMemory(facts, { kind: kind.kind, devices, layout, memoryBytes: usable });
  const shortBytes = Math.max(0, memory.total - usable);
  const lacksGpu = kind.kind === 'cpu' && needsGpu(facts.settings);
  const fits = isKnown ? shortBytes === 0 : null;
  return { devices, layout, memory, fits: lacksGpu ? false : fits, lacksGpu, shortBytes };
}

/** The worker refuses it elsewhere: optimizer.py. */
export function needsGpu({ optimizer }: Pick<TrialFacts['settings'], 'optimizer'>): boolean {
  return optimizer === 'adamw8bit';
}

/** What the file says, over more devices with more of them to divide the rows of weights; else what a worker takes. */
function layoutAt({ shape, settings, run }: TrialFacts, devices: number, perMachine: number): Layout {
  const { shard = 0, tensor = 0 } = run;
  if (shard > 0 && tensor > 0 && devices % tensor === 0) {
    return devices % (shard * tensor) === 0 ? { shard, tensor } : { shard: devices / tensor, tensor };
  }
  const onOne = Math.max(1, Math.min(devices, perMachine));
  const machines = devices % onOne === 0 ? devices / onOne : 1;
  const batchRows = settings.batch_size;
  // An adapter's matrices are too thin to divide.
  const heads = settings.adapter === 'none' ? shape.heads : 1;
  return autoLayout({ devices: devices / machines, machines }, { heads, batchRows });
}

/** Each on its own, on as few devices as do; first what changes no result. */
function waysToFit(facts: TrialFacts, counts: readonly number[], choice: DeviceChoice): readonly Way[] {
  const { settings, run } = facts;
  const checkpointing = { ...facts, run: { ...run, gradientCheckpointing: 'on' as const } };
  const lora = { ...settings, adapter: 'lora' as const, lora_rank: settings.lora_rank ?? 16, lora_alpha: 32 };
  const hostBytes = hostMomentBytes(facts);
  const tries: readonly (Omit<Way, 'devices'> & { readonly facts: TrialFacts; readonly applies: boolean })[] = [
    {
      settings: { gradient_checkpointing: 'on' },
      facts: checkpointing,
      hostBytes: 0,
      isOtherMethod: false,
      applies: run.gradientCheckpointing === 'off',
    },
    {
      settings: { optimizer_states: 'host' },
      facts: { ...checkpointing, run: { ...checkpointing.run, optimizerStates: 'host' } },
      hostBytes,
      isOtherMethod: false,
      applies: settings.optimizer === 'adamw' && run.optimizerStates !== 'host' && choice.kind.kind === 'cuda',
    },
    {
      settings: { optimizer: 'adamw8bit' },
      facts: { ...checkpointing, settings: { ...settings, optimizer: 'adamw8bit' } },
      hostBytes: 0,
      isOtherMethod: true,
      applies: settings.optimizer === 'adamw' && settings.adapter === 'none' && choice.kind.kind === 'cuda',
    },
    {
      settings: { adapter: 'lora', lora_rank: lora.lora_rank },
      facts: { ...checkpointing, settings: lora },
      hostBytes: 0,
      isOtherMethod: true,
      applies: settings.adapter === 'none',
    },
  ];
  return tries
    .filter(({ applies }) => applies)
    .flatMap(({ facts: changed, applies, ...way }) => {
      const devices = counts.find((each) => tryOn(changed, each, choice).fits === true);
      return devices === undefined ? [] : [{ ...way, devices }];
    });
}
