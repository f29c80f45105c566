/** How many workers a machine bears, and what each gets of it. */

export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  /** CUDA devices. */
  readonly gpus: number;
}

export interface WorkerShare {
  readonly device: string;
  readonly threads: number;
}

/** A small T5 in training, its optimizer and torch itself. */
const BYTES_PER_WORKER = 4 * 1024 ** 3;

export interface Demand {
  /** Trials of the whole sweep. What each worker gets follows from this and not from what is left to run. */
  readonly trials: number;
  /** Trials that wait or run: no more workers than that. */
  readonly toRun: number;
}

/**
 * One worker per GPU where there are GPUs, else as many as cores and memory bear; never more than trials. On a CPU the
 * number of threads can change a last digit, so a sweep that goes on with its last trial gives it as many as the
 * others had.
 */
export function sharesOf(
  machine: Machine,
  workers: 'auto' | number,
  { trials, toRun }: Demand,
): readonly WorkerShare[] {
  const count = Math.max(1, workers === 'auto' ? Math.min(autoCount(machine), trials) : workers);
  const threads = Math.max(1, Math.floor(machine.cores / count));
  return Array.from({ length: Math.min(count, toRun) }, (_, index) => ({
    device: machine.gpus > 0 ? `cuda:${index % machine.gpus}` : 'cpu',
    threads,
  }));
}

function autoCount({ cores, memoryBytes, gpus }: Machine): number {
  return gpus > 0 ? gpus : Math.min(cores, Math.floor(memoryBytes / BYTES_PER_WORKER));
}
