/** `dss run`: one trial from flags; the released code's flags are accepted verbatim. */
import { defineCommand, runFlags } from '../command.js';

const text = { type: 'string', requiresArg: true } as const;
const number = { type: 'number', requiresArg: true } as const;

/** Flags that become settings. Names and meanings are the release's, as far as it has them. */
const settingFlags = {
  from_pretrained: {
    ...text,
    alias: 'model',
    default: 'google/t5-v1_1-base',
    describe: 'model: hub name or directory',
  },
  dataset: { ...text, demandOption: true, describe: 'its folder in the datasets folder' },
  model_type: { ...text, describe: 'standard, task_prefix (step-by-step) or single_task' },
  label_type: { ...text, describe: "gt (gold) or llm (the teacher's)" },
  llm: { ...text, describe: 'whose outputs: palm or gpt, or a name that the dataset declares' },
  run: { ...number, alias: 'seed', default: 0, describe: 'the seed' },
  alpha: { ...number, describe: 'weight of the label loss; the rationale loss has the rest' },
  subsample: { ...number, describe: 'fraction of the training split' },
  max_steps: { ...number, describe: 'optimizer steps' },
  eval_steps: { ...number, describe: 'steps between evaluations' },
  batch_size: { ...number, describe: 'rows per micro-batch' },
  grad_steps: { ...number, describe: 'micro-batches per optimizer step' },
  lr: { ...number, describe: 'learning rate' },
  max_input_length: { ...number, describe: 'tokens of input kept' },
  gen_max_len: { ...number, describe: 'tokens generated at evaluation' },
  bf16: { type: 'boolean', describe: 'the same as --precision bf16' },
  precision: { ...text, describe: 'fp32, tf32 or bf16' },
  dropout: { ...number, describe: "default: the model's own" },
  select: { ...text, describe: 'valid, or compat: the test curve, as in the release' },
  init: { ...text, describe: 'pretrained, or random: from scratch' },
  optimizer: { ...text, describe: 'adamw; adamw8bit: its moments in 8 bits; or adafactor' },
  adapter: { ...text, describe: 'none, or lora: only low-rank updates are trained' },
  lora_rank: { ...number, describe: 'rank of the updates' },
  lora_alpha: { ...number, describe: 'the updates are scaled by lora_alpha / lora_rank' },
  checkpoint_steps: { ...number, describe: 'steps between checkpoints; 0: by time' },
  keep_checkpoints: { type: 'boolean', describe: 'keep checkpoints when the trial has ended' },
  keep: { ...text, describe: "weights to keep for `dss export`: none, last or best (the result's)" },
  output_rationale: { type: 'boolean', describe: 'generate rationales for the test split and keep them' },
  micro_batches: { ...number, describe: 'length groups that a batch is split into; 0: automatic' },
  compile: { ...text, describe: 'CUDA graphs (auto), torch.compile too (on), or neither (off)' },
  gradient_checkpointing: { ...text, describe: 'compute activations anew to save memory: auto, on or off' },
  devices: { ...number, describe: 'devices that train it, on each machine' },
  machines: { ...number, describe: 'machines that train it together' },
  min_machines: { ...number, describe: 'it goes on with so many when others are lost (default: all)' },
  layout: { ...text, describe: 'auto, or 4x2: rows of weights over 4 devices, layers over 2' },
  optimizer_states: { ...text, describe: "where the optimizer's moments are between steps: device or host" },
} as const;

/** Flags of the release that change no result here. */
const idleFlags = {
  parallelize: {
    type: 'boolean',
    describe: 'as in the release: over the devices that --devices names, by a layout that is chosen',
  },
  no_log: { type: 'boolean', describe: 'accepted; no effect' },
  optimizer_name: { ...text, describe: 'accepted; no effect: it named a folder; see --optimizer' },
} as const;

export const runCommand = defineCommand({
  usage: 'run',
  summary: 'Run one trial from flags, named as in the released code',
  examples: [
    [
      '$0 run --from_pretrained models/t5-small --dataset cqa --model_type task_prefix --llm palm',
      'step-by-step, seed 0',
    ],
    ['$0 run --model models/t5-small --dataset svamp --model_type standard --seed 3', 'standard fine-tuning'],
  ],
  flags: (argv) =>
    argv
      .options(settingFlags)
      .options(idleFlags)
      .option('name', { ...text, describe: 'name of this sweep of one (default: run-<beginning of the id>)' })
      .options(runFlags),
  run: async (args) => {
    const { runTrial } = await import('./run-trial.js');
    return runTrial(args);
  },
});
