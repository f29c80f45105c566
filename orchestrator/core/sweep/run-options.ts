/** How a trial is run and what is kept of it: from what cells ask for. */
import type { RunOptions } from '../domain.js';
import { layoutOf } from './layout.js';
import { readsRationales } from './reads-teacher.js';
import type { CellSettings, LearnedSettings, RunSettings } from './settings.js';

/** Without a folder, which the control plane names when it lends the trial. */
export function runOptionsOf(asked: RunSettings & Pick<LearnedSettings, 'model_type'>): RunOptions {
  const layout = layoutOf(asked.layout);
  return {
    directory: null,
    checkpointSteps: asked.checkpoint_steps,
    keepCheckpoints: asked.keep_checkpoints,
    keep: asked.keep,
    outputRationale: asked.output_rationale && readsRationales(asked.model_type),
    microBatches: asked.micro_batches,
    compile: asked.compile,
    gradientCheckpointing: asked.gradient_checkpointing,
    devices: asked.devices,
    machines: asked.machines,
    minMachines: asked.min_machines ?? asked.machines,
    shard: layout?.shard ?? 0,
    tensor: layout?.tensor ?? 0,
    optimizerStates: asked.optimizer_states,
    memoryBytes: 0,
  };
}

export function withoutRunSettings(settings: CellSettings): LearnedSettings {
  const {
    checkpoint_steps,
    keep_checkpoints,
    keep,
    output_rationale,
    micro_batches,
    compile,
    gradient_checkpointing,
    devices,
    machines,
    min_machines,
    layout,
    optimizer_states,
    ...learned
  } = settings;
  return learned;
}

/** For one trial that two cells ask for: whatever either wants kept is kept; for the rest the first has its way. */
export function mergeRunOptions(first: RunOptions, other: RunOptions): RunOptions {
  return {
    ...first,
    keepCheckpoints: first.keepCheckpoints || other.keepCheckpoints,
    keep: first.keep === 'none' ? other.keep : first.keep,
    outputRationale: first.outputRationale || other.outputRationale,
  };
}
