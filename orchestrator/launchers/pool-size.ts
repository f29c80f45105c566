/** How many workers a machine bears, and what each gets of it. */

export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  /** CUDA devices. */
  readonly gpus: number;
}

export interface WorkerShare {
  /** `cpu`, or `cuda:` and the numbers of its GPUs. */
  readonly device: string;
  /** Of each of its trials. */
  readonly threads: number;
  /** Trials that it runs side by side. */
  readonly slots: number;
}

/** A small T5 in training, its optimizer and torch itself. */
const BYTES_PER_TRIAL = 4 * 1024 ** 3;

export interface Demand {
  /** Trials of the whole sweep. What each worker gets follows from this and not from what is left to run. */
  readonly trials: number;
  /** Trials that wait or run: no more workers than that. */
  readonly toRun: number;
  /** GPUs that the widest trial trains on; default: one. */
  readonly devices?: number;
  /** Trials that are to share a device, where its memory bears them; default: one. */
  readonly slots?: number;
}

/**
 * One worker per GPU where there are GPUs, or for as many GPUs as the widest trial needs; else as many as cores and
 * memory bear; never more than trials. A worker that has several GPUs for one trial has one trial at a time. On a CPU
 * the number of threads can change a last digit, so a sweep that goes on with its last trial gives it as many as the
 * others had.
 */
export function sharesOf(
  machine: Machine,
  workers: 'auto' | number,
  { trials, toRun, devices = 1, slots: asked = 1 }: Demand,
): readonly WorkerShare[] {
  const each = Math.max(1, Math.min(devices, machine.gpus));
  const slots = each > 1 ? 1 : asked;
  const auto = () => Math.min(autoCount(machine, each, slots), Math.ceil(trials / slots));
  const count = Math.max(1, workers === 'auto' ? auto() : workers);
  const threads = Math.max(1, Math.floor(machine.cores / (count * slots)));
  return Array.from({ length: Math.min(count, Math.ceil(toRun / slots)) }, (_, index) => ({
    device: machine.gpus > 0 ? `cuda:${groupOf(index, each, machine.gpus).join()}` : 'cpu',
    threads,
    slots,
  }));
}

/** Neighbours, which are often the best connected; what is left over at the end is nobody's. */
function groupOf(index: number, each: number, gpus: number): readonly number[] {
  const first = (index % Math.floor(gpus / each)) * each;
  return Array.from({ length: each }, (_, place) => first + place);
}

function autoCount({ cores, memoryBytes, gpus }: Machine, each: number, slots: number): number {
  if (gpus > 0) return Math.floor(gpus / each);
  return Math.floor(Math.min(cores, memoryBytes / BYTES_PER_TRIAL) / slots);
}
