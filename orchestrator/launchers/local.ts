/** Workers as child processes on this machine. They die with the control plane. */
import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { z } from 'zod';
import { failpoint } from '../control/failpoints.js';
import { SweepError } from '../core/errors.js';
import { type Demand, trialsOf, widestOf } from '../core/schedule/demand.js';
import type { LaunchContext, LaunchedWorker, Launcher } from './launcher.js';
import { LocalWorker } from './local-worker.js';
import { type Machine, sharesOf, type WorkerShare } from './pool-size.js';

export interface LocalLauncherOptions {
  readonly python: string;
  /** The folder that holds the Python package. */
  readonly pythonPath: string;
  readonly logger: Logger;
  /** Trials of the whole sweep, done ones included; default: those that wait or run when workers are first called for. */
  readonly trials?: number;
  /** GPUs of each worker; default: as many as the widest trial trains on when workers are first called for. */
  readonly devices?: number;
  /** Trials that share a device, where its memory bears them; default: one. */
  readonly slots?: number;
  /** Wait before a worker that died is started again, after so many quick deaths in a row. */
  readonly restartDelayMs?: (deaths: number) => number;
  /** Asked once. */
  readonly machine?: () => Promise<Machine>;
}

/** A life shorter than this is a quick death: it did no work worth the name. */
const QUICK_MS = 10_000;
const QUICK_DEATHS_ALLOWED = 5;

export function createLocalLauncher(options: LocalLauncherOptions): Launcher {
  return new LocalLauncher(options);
}

class LocalLauncher implements Launcher {
  readonly place = 'local';
  readonly workersSurvive = false;
  readonly #options: LocalLauncherOptions;
  readonly #workers = new Map<number, LocalWorker>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #context: LaunchContext | null = null;
  #machine: Promise<Machine> | null = null;
  #slots = 0;
  #devices: number | null = null;
  #isDraining = false;

  constructor(options: LocalLauncherOptions) {
    this.#options = options;
  }

  /** Any machine that runs a control plane can run a worker. */
  check(): void {}

  open(context: LaunchContext): void {
    this.#context = context;
  }

  /** Never fewer than before: an idle worker of this machine costs little, and starting one takes seconds. */
  async want(demands: readonly Demand[]): Promise<void> {
    const context = this.#context;
    const trials = trialsOf(demands);
    if (context === null || context.workers === 0 || trials === 0) return;
    this.#machine ??= (this.#options.machine ?? (() => lookAtMachine(this.#options)))();
    this.#devices ??= this.#options.devices ?? widestOf(demands);
    const demand = {
      trials: Math.max(trials, this.#options.trials ?? trials),
      toRun: trials,
      devices: this.#devices,
      slots: this.#options.slots ?? 1,
    };
    const shares = sharesOf(await this.#machine, context.workers, demand);
    for (const [index, share] of shares.entries()) {
      if (this.#isDraining) return;
      if (index < this.#slots) continue;
      this.#slots = index + 1;
      this.#start(context, this.#slots, share, 1, 0);
    }
  }

  list(): Promise<readonly LaunchedWorker[]> {
    const workers = [...this.#workers.values()];
    return Promise.resolve(
      workers.map(({ workerId, pid }) => ({ workerId, pool: '', state: 'running', detail: `process ${pid}` })),
    );
  }

  drain(): void {
    this.#isDraining = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
  }

  async close(): Promise<void> {
    this.drain();
    const workers = [...this.#workers.values()];
    for (const worker of workers) worker.kill();
    await Promise.all(workers.map(({ ended }) => ended));
  }

  /** `life` is part of the id: to the control plane every process is a worker of its own. */
  #start(context: LaunchContext, slot: number, share: WorkerShare, life: number, deaths: number): void {
    const { logger, python, pythonPath } = this.#options;
    const workerId = life === 1 ? `local-${slot}` : `local-${slot}-${life}`;
    const startedMs = performance.now();
    // -P: what lies in the user's folder is not taken for a module.
    const args = ['-P', '-m', 'dss_worker', 'agent', '--server', context.address, '--worker-id', workerId];
    args.push('--threads', String(share.threads), '--device', share.device, '--slots', String(share.slots));
    const env = {
      ...process.env,
      PYTHONPATH: pythonPath,
      DSS_JOIN_TOKEN: context.joinToken,
      // One for all workers: what one has tokenised, the others read.
      DSS_TOKEN_CACHE: join(context.home, 'cache', 'tokens'),
    };
    failpoint('before-launch');
    const worker = new LocalWorker(workerId, { python, args, env }, context.home);
    failpoint('after-launch');
    this.#workers.set(slot, worker);
    logger.debug({ workerId, pid: worker.pid, ...share }, 'worker started');
    void worker.ended.then((how) => {
      this.#workers.delete(slot);
      worker.kill(); // what it may have left in its group
      context.onExit(workerId, worker.failure(how));
      if (this.#isDraining) return;
      logger.info({ workerId, how }, 'worker ended');
      const quick = performance.now() - startedMs < QUICK_MS ? deaths + 1 : 0;
      if (quick >= QUICK_DEATHS_ALLOWED) {
        context.onGiveUp(givenUp(worker, how, quick));
        return;
      }
      const timer = setTimeout(
        () => {
          this.#restarts.delete(timer);
          this.#start(context, slot, share, life + 1, quick);
        },
        (this.#options.restartDelayMs ?? backoff)(quick),
      );
      this.#restarts.add(timer);
    });
  }
}

function backoff(deaths: number): number {
  return 250 * 2 ** Math.max(0, deaths - 1);
}

function givenUp(worker: LocalWorker, how: string, deaths: number): SweepError {
  const said = worker.lastLines === '' ? '' : `; it said:\n${worker.lastLines}`;
  return new SweepError('WORKERS_FAILED', `worker ${worker.workerId} ${how}, ${deaths} times in a row${said}`, {
    hint: worker.failure(how).hint,
  });
}

const Devices = z.array(z.object({ kind: z.string() }));

/** Asks the worker's own code what it would run on, without loading torch. */
async function lookAtMachine({ python, pythonPath }: LocalLauncherOptions): Promise<Machine> {
  const args = ['-P', '-m', 'dss_worker', 'devices', '--json'];
  const env = { ...process.env, PYTHONPATH: pythonPath };
  try {
    const { stdout } = await promisify(execFile)(python, args, { env, timeout: 60_000, maxBuffer: 1024 ** 2 });
    const gpus = Devices.parse(JSON.parse(stdout)).filter(({ kind }) => kind === 'cuda').length;
    return { cores: availableParallelism(), memoryBytes: memoryBytes(), gpus };
  } catch (cause) {
    const message = `${python} ${args.join(' ')} did not say what devices there are`;
    throw new SweepError('WORKERS_FAILED', message, { hint: String(cause), cause });
  }
}

/** What a container may use, when it may use less than the machine has. */
function memoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}
