/** What people who come from other tools call settings: Hugging Face's trainer and peft, torchrun, and the release. */

/** By the names of settings here; dashes as underscores. */
const OTHER_NAMES: Readonly<Record<string, readonly [name: string, remark?: string]>> = {
  learning_rate: ['lr'],
  num_train_epochs: ['max_steps', 'it counts optimizer steps, not epochs'],
  num_epochs: ['max_steps', 'it counts optimizer steps, not epochs'],
  epochs: ['max_steps', 'it counts optimizer steps, not epochs'],
  per_device_train_batch_size: ['batch_size', 'it is the same on any number of devices'],
  train_batch_size: ['batch_size'],
  gradient_accumulation_steps: ['grad_steps'],
  logging_steps: ['eval_steps'],
  save_steps: ['checkpoint_steps'],
  max_seq_length: ['max_input_length'],
  max_source_length: ['max_input_length'],
  max_target_length: ['gen_max_len'],
  generation_max_length: ['gen_max_len'],
  optim: ['optimizer'],
  dropout_rate: ['dropout'],
  fp16: ['precision', 'it knows fp32, tf32 and bf16'],
  torch_compile: ['compile'],
  lora_r: ['lora_rank'],
  nproc_per_node: ['devices'],
  nnodes: ['machines'],
};

/** `did you mean max_steps? it counts …`; `null` for a word that no other tool is known to have. */
export function meantByOthers(word: string, known: readonly string[], dashes = ''): string | null {
  const found = Object.entries(OTHER_NAMES).find(([name]) => name === word.replaceAll('-', '_'));
  const [name, remark] = found?.[1] ?? [];
  if (name === undefined || !known.includes(name)) return null;
  return `did you mean ${dashes}${name}?${remark === undefined ? '' : ` ${remark}`}`;
}
