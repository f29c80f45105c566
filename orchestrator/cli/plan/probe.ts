/** A few steps of each kind of trial on this machine, so that a plan need not assume how fast they are. */
import { z } from 'zod';
import { byteCount } from '../../core/byte-count.js';
import { kindNameOf } from '../../core/cost/device-kinds.js';
import type { Measured } from '../../core/cost/time.js';
import type { SourceFile, Trial } from '../../core/domain.js';
import { SweepError } from '../../core/errors.js';
import { rate } from '../../reports/format.js';
import { askPython } from '../python.js';

const Probed = z.object({
  device: z.string(),
  steps: z.number(),
  flops_per_second: z.number(),
  examples_per_second: z.number(),
  start_seconds: z.number(),
  peak_memory_bytes: z.number(),
  predicted_memory_bytes: z.number(),
  process_memory_bytes: z.number(),
});
export type Probed = z.infer<typeof Probed>;

const STEPS = 20;

export interface Probes {
  readonly measured: readonly Measured[];
  /** What was seen, or why there is nothing to see; a line each. */
  readonly lines: readonly string[];
}

/**
 * @param trials those that are to run; of each model, precision and way of training one is taken
 * @param hasFiles whether the model and the dataset of a trial are on this machine
 */
export async function probeTrials(
  trials: Iterable<Trial>,
  hasFiles: (trial: Trial) => boolean,
  ask: (trial: Trial) => Promise<Probed> = askProbe,
): Promise<Probes> {
  const kinds = new Map<string, Trial>();
  for (const trial of trials) {
    const { model, precision, optimizer, adapter } = trial.settings;
    const key = JSON.stringify([model, precision, optimizer, adapter]);
    const known = kinds.get(key);
    if (known === undefined || (!hasFiles(known) && hasFiles(trial))) kinds.set(key, trial);
  }
  const measured: Measured[] = [];
  const lines: string[] = [];
  for (const trial of kinds.values()) {
    const { model, precision } = trial.settings;
    const what = `probe: ${model} in ${precision}`;
    if (!hasFiles(trial)) {
      lines.push(`${what}: not tried, its files are not here`);
      continue;
    }
    try {
      const probed = await ask(trial);
      const device = kindNameOf(probed.device) ?? probed.device;
      const { flops_per_second: flopsPerSecond, start_seconds: startSeconds } = probed;
      measured.push({ device, model, precision, flopsPerSecond, startSeconds });
      lines.push(`${what}: ${textOf(probed)}`);
    } catch (reason) {
      const { code, message } = SweepError.from(reason);
      lines.push(`${what}: not measured: ${code}: ${message}`);
    }
  }
  return { measured, lines };
}

function textOf(probed: Probed): string {
  const [seen, predicted] = [byteCount(probed.peak_memory_bytes), byteCount(probed.predicted_memory_bytes)];
  const speed = `${rate(probed.examples_per_second)} examples/s on ${probed.device}`;
  return `${probed.steps} steps, ${speed}; memory ${seen}, predicted ${predicted}`;
}

/** @param steps more than three */
export async function askProbe(trial: Trial, steps: number = STEPS): Promise<Probed> {
  const program = ['dss_worker.training.probe', '--steps', String(steps)];
  const parsed = Probed.safeParse(await askPython(program, probeRequest(trial)));
  if (parsed.success) return parsed.data;
  throw new SweepError('INTERNAL', 'dss_worker.training.probe gave an answer of another shape', {
    cause: parsed.error,
  });
}

/** What Python's `TrialConfig.from_json` reads; nothing outlives a probe. */
export function probeRequest({ trialId, settings, model, dataset, run }: Trial): unknown {
  const filesOf = (files: readonly SourceFile[]) =>
    files.map(({ sizeBytes, ...file }) => ({ ...file, size_bytes: sizeBytes }));
  return {
    trial_id: trialId,
    settings,
    model: { ...model, files: filesOf(model.files) },
    dataset: { ...dataset, files: filesOf(dataset.files) },
    run: {
      directory: null,
      micro_batches: run.microBatches,
      gradient_checkpointing: run.gradientCheckpointing,
      optimizer_states: run.optimizerStates,
      layout: null,
    },
  };
}
