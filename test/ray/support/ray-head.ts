/** A real Ray head on this machine's loopback, with a token, gone after the tests with all that it has started. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLineOf, isAlive } from '../../support/processes.js';
import { until } from '../../support/until.js';
import { freePorts } from './free-ports.js';
import { MARK, processesOf } from './head-processes.js';
import type { NodeCertificate } from './node-certificate.js';
import { rayEnvironment } from './ray-environment.js';

export interface HeadWishes {
  readonly cpus?: number;
  /** All that is gRPC goes by TLS, with this certificate at both ends. */
  readonly tls?: NodeCertificate;
  /** A folder in which its Python finds packages, as if they were installed. */
  readonly packages?: string;
}

interface Ports {
  readonly gcs: number;
  readonly dashboard: number;
  readonly client: number;
}

interface Started {
  readonly process: ChildProcess;
  /** As much as explains an end. */
  said(): string;
}

export const TOKEN = 'a-token-of-the-tests-that-is-long-enough-0123456789';

/**
 * How long Ray itself waits for its parts: on a busy machine half a minute is too short for many of them. What it waits
 * for its raylet cannot be set, so that the start may fail there, and is tried again.
 */
const PATIENT: Readonly<Record<string, string>> = {
  RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S: '300',
  RAY_DASHBOARD_STARTUP_TIMEOUT_S: '300',
  RAY_DASHBOARD_SUBPROCESS_MODULE_WAIT_READY_TIMEOUT: '300',
  RAY_worker_register_timeout_seconds: '300',
  RAY_health_check_timeout_ms: '60000',
};
const STARTS = 4;
/** Ray believes whoever starts it. */
const GPUS = 2;
const GUARD = join(import.meta.dirname, 'head-guard.ts');

export class RayHead {
  readonly dashboard: string;
  readonly client: string;
  readonly #folder: string;
  readonly #ports: Ports;
  readonly #env: NodeJS.ProcessEnv;
  readonly #args: readonly string[];
  readonly #guard: ChildProcess;
  #raylet = 0;
  #watch: NodeJS.Timeout | null = null;

  private constructor(ports: Ports, { cpus = 4, tls, packages }: HeadWishes) {
    // Short: paths of sockets lie below it.
    this.#folder = mkdtempSync(join(tmpdir(), 'dr-'));
    this.#guard = fork(GUARD, [this.#folder], { detached: true });
    this.#ports = ports;
    this.#env = environmentOf(this.#folder, tls, packages);
    this.dashboard = `http://127.0.0.1:${ports.dashboard}`;
    this.client = `127.0.0.1:${ports.client}`;
    const args = ['start', '--head', '--node-ip-address=127.0.0.1', `--temp-dir=${this.#folder}`];
    args.push(`--port=${ports.gcs}`, '--dashboard-host=127.0.0.1', `--dashboard-port=${ports.dashboard}`);
    args.push(`--ray-client-server-port=${ports.client}`, '--min-worker-port=0', '--max-worker-port=0');
    args.push('--dashboard-agent-listen-port=0', '--disable-usage-stats', '--include-log-monitor=false');
    args.push(`--num-cpus=${cpus}`, `--num-gpus=${GPUS}`, '--resources={"fast": 2}', '--object-store-memory=100000000');
    this.#args = args;
  }

  /** On the same ports as a head before it, where one is given. */
  static async start(wishes: HeadWishes = {}, as?: RayHead): Promise<RayHead> {
    for (let left = STARTS - 1; ; left -= 1) {
      const [gcs = 0, dashboard = 0, client = 0] = await freePorts(3);
      const head = new RayHead(as === undefined ? { gcs, dashboard, client } : { ...as.#ports, gcs }, wishes);
      try {
        await head.#listens();
        return head;
      } catch (reason) {
        await head.stop(); // what there is of it
        if (left === 0) throw reason;
        console.warn(`      a Ray head did not start, another one is tried: ${(reason as Error).message.slice(-300)}`);
      }
    }
  }

  get isUp(): boolean {
    return this.#watch !== null && isAlive(this.#raylet);
  }

  /** All that runs of this head, its workers and theirs too. */
  get processes(): readonly number[] {
    return processesOf(this.#folder);
  }

  async stop(): Promise<void> {
    if (this.#watch !== null) clearInterval(this.#watch);
    if (!this.#guard.connected) return;
    this.#guard.disconnect();
    await once(this.#guard, 'exit');
  }

  async #listens(): Promise<void> {
    const started = this.#spawn(join(rayEnvironment(), 'ray'), this.#args);
    let clientServer: readonly string[] = [];
    await until(() => {
      clientServer = this.#wordsOf('ray.util.client.server') ?? clientServer;
      return started.process.exitCode !== null;
    });
    if (started.process.exitCode !== 0) throw new Error(`ray start failed; it said:\n${started.said()}`);
    await this.#clientServerListens(clientServer);
    this.#raylet = this.processes.find((pid) => commandLineOf(pid)[0]?.endsWith('/raylet')) ?? 0;
    this.#watch = setInterval(() => {
      if (isAlive(this.#raylet)) return;
      if (this.#watch !== null) clearInterval(this.#watch);
      // The test that waits for something of it fails by this.
      throw new Error('the Ray head ended by itself');
    }, 1_000).unref();
  }

  /** It is started before the raylet, and gives up when that is not there within 30 s: then again, by the same words. */
  async #clientServerListens([program = '', ...args]: readonly string[]): Promise<void> {
    let again: Started | null = null;
    await until(async () => {
      if (await accepts(this.#ports.client)) return true;
      if (again === null && this.#wordsOf('ray.util.client.server') === null) again = this.#spawn(program, args);
      if (again !== null && again.process.exitCode !== null)
        throw new Error(`no client server; it said:\n${again.said()}`);
      return false;
    });
  }

  /** The command line of a process of this head in which a word is. */
  #wordsOf(word: string): readonly string[] | null {
    const found = this.processes.map(commandLineOf).find((words) => words.includes(word));
    return found?.slice(0, -1) ?? null;
  }

  #spawn(program: string, args: readonly string[]): Started {
    const started = spawn(program, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let said = '';
    for (const output of [started.stdout, started.stderr]) {
      output?.setEncoding('utf8').on('data', (chunk: string) => {
        said = (said + chunk).slice(-4_000);
      });
    }
    return { process: started, said: () => said };
  }
}

function environmentOf(folder: string, tls?: NodeCertificate, packages?: string): NodeJS.ProcessEnv {
  const secure = {
    RAY_USE_TLS: '1',
    RAY_TLS_SERVER_CERT: tls?.certificate,
    RAY_TLS_SERVER_KEY: tls?.key,
    RAY_TLS_CA_CERT: tls?.certificate,
  };
  return {
    ...process.env,
    ...PATIENT,
    ...(tls === undefined ? {} : secure),
    ...(packages === undefined ? {} : { PYTHONPATH: packages }),
    [MARK]: folder,
    // As in an environment that was activated: a job's `python` is the one of Ray.
    PATH: `${rayEnvironment()}:${process.env['PATH']}`,
    RAY_AUTH_MODE: 'token',
    RAY_AUTH_TOKEN: TOKEN,
    // Else it binds all addresses.
    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER: '0',
    // Else the server that it forks for a client often dies.
    GRPC_ENABLE_FORK_SUPPORT: '0',
    // Else workers get what is left of a busy machine.
    RAY_worker_niceness: '0',
    // Nobody uses those that it would keep ready.
    RAY_enable_worker_prestart: '0',
    RAY_prestart_worker_first_driver: '0',
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(port, '127.0.0.1', () => {
      connection.destroy();
      resolve(true);
    });
    connection.on('error', () => resolve(false));
  });
}
