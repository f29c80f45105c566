/** A control plane beside the benchmark, and what the system says it uses. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { joinTokenPath, readJoinToken } from '../../orchestrator/cli/auth/join-token.js';
import { CHANNEL_OPTIONS } from '../../orchestrator/control/channel-options.js';
import type { ControlFile } from '../../orchestrator/control/state-lock.js';
import { bearer } from '../../orchestrator/control/tokens.js';
import { DEFAULT_SWEEP_OPTIONS } from '../../orchestrator/core/sweep/sweep-options.js';
import { encodePart, MAX_TRIALS_PER_PART } from '../../orchestrator/wire/codec.js';
import { ClientServiceClient, type ListResponse } from '../../orchestrator/wire/generated/dss/v1/client.js';
import { benchTrials } from './bench-trials.js';

const MAIN = fileURLToPath(new URL('../../orchestrator/cli/main.js', import.meta.url));
const PART = Math.min(1_000, MAX_TRIALS_PER_PART);

export interface Usage {
  readonly rssMiB: number;
  /** The largest there was. */
  readonly peakMiB: number;
  readonly cpuSeconds: number;
}

export class PlaneProcess {
  readonly address: string;
  readonly joinToken: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #client: ClientServiceClient;
  readonly #token: string;

  private constructor(child: ChildProcess, ended: Promise<void>, home: string) {
    const { address, clientToken } = JSON.parse(readFileSync(join(home, 'control.json'), 'utf8')) as ControlFile;
    this.address = address;
    this.joinToken = readJoinToken(joinTokenPath(home));
    this.#process = child;
    this.#ended = ended;
    this.#client = new ClientServiceClient(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    this.#token = clientToken;
  }

  /** `dss serve`; its log goes to a file in the state folder. */
  static async start(home: string): Promise<PlaneProcess> {
    const log = openSync(join(home, 'serve.log'), 'a');
    // As the first line of `dss` has them. DSS_BENCH_NODE: more for the control plane alone, such as --cpu-prof.
    const [firstLine = ''] = readFileSync(MAIN, 'utf8').split('\n');
    const own = /-S node (.+)$/.exec(firstLine)?.[1]?.split(' ') ?? [];
    const flags = [...own, ...(process.env['DSS_BENCH_NODE']?.split(' ') ?? [])];
    const words = ['serve', '--listen', '127.0.0.1:0', '--workers', '0', '--home', home, '--log-level', 'info'];
    const child = spawn(process.execPath, [...flags, MAIN, ...words], { stdio: ['ignore', 'pipe', log] });
    closeSync(log);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const { stdout } = child;
    if (stdout === null) throw new Error('dss serve has no output');
    await new Promise((resolve, reject) => {
      createInterface({ input: stdout }).once('line', resolve);
      void ended.then(() =>
        reject(new Error(`dss serve ended at its start:\n${readFileSync(join(home, 'serve.log'), 'utf8')}`)),
      );
    });
    return new PlaneProcess(child, ended, home);
  }

  /** Hands over a sweep of so many trials; gives the seconds that took. */
  async submit(sweep: string, trials: number): Promise<number> {
    const started = performance.now();
    for (let first = 0; first < trials; first += PART) {
      const count = Math.min(PART, trials - first);
      const request = encodePart({
        sweep,
        first,
        trials: benchTrials(sweep, first, count),
        last: first + count === trials,
        retryFailed: false,
        rerun: false,
        extend: false,
        options: DEFAULT_SWEEP_OPTIONS,
      });
      await new Promise<void>((resolve, reject) => {
        this.#client.submit(request, bearer(this.#token), (error) => (error === null ? resolve() : reject(error)));
      });
    }
    return (performance.now() - started) / 1000;
  }

  /** How many trials of all sweeps are in a state. */
  async count(state: 'queued' | 'running' | 'succeeded'): Promise<number> {
    const { sweeps } = await new Promise<ListResponse>((resolve, reject) => {
      const answered = (error: ServiceError | null, response: ListResponse) =>
        error === null ? resolve(response) : reject(error);
      this.#client.list({ first: 0 }, bearer(this.#token), answered);
    });
    return sweeps.reduce((sum, sweep) => sum + (sweep.summary?.[state] ?? 0), 0);
  }

  usage(): Usage {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    const mebibytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    // Fields 14 and 15 of proc_pid_stat(5), counted from the end of the name, in hundredths of a second.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return {
      rssMiB: mebibytes('VmRSS'),
      peakMiB: mebibytes('VmHWM'),
      cpuSeconds: (Number(user) + Number(system)) / 100,
    };
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#client.close();
    this.#process.kill(signal);
    await this.#ended;
  }
}
