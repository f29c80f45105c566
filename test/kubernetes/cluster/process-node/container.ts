/** A container through all its runs, and what Kubernetes is told of it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ContainerLog } from './container-log.js';
import { ContainerProcess, type Mount } from './container-process.js';
import type { ContainerSpec, ContainerState } from './objects.js';
import { expand } from './pod-sources.js';
import { probe } from './probe.js';

/** An image of this name cannot be had; of every other one the name is all there is, and commands are given. */
const MISSING_IMAGE = /^missing\//;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class Container {
  readonly spec: ContainerSpec;
  state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  lastState: ContainerState | null = null;
  restarts = 0;
  /** As its probes say, if it has any. */
  isReady = false;
  readonly #folder: string;
  readonly #hostname: string;
  /** Of its image. */
  readonly #entryPoint: readonly string[];
  readonly #logs: ContainerLog[] = [];
  #process: ContainerProcess | null = null;

  constructor(spec: ContainerSpec, folder: string, hostname: string, entryPoint: readonly string[]) {
    this.spec = spec;
    this.#entryPoint = entryPoint;
    this.#folder = join(folder, spec.name);
    this.#hostname = hostname;
    mkdirSync(this.#folder, { recursive: true });
    if (!this.hasImage) this.waitForImage();
  }

  get hasImage(): boolean {
    return !MISSING_IMAGE.test(this.spec.image);
  }

  get hasStarted(): boolean {
    return this.#process !== null;
  }

  /** Of its last run, if it has ended. */
  get exitCode(): number | null {
    return 'terminated' in this.state ? this.state.terminated.exitCode : null;
  }

  waitForImage(): void {
    this.wait('ImagePullBackOff', `Back-off pulling image "${this.spec.image}"`);
  }

  wait(reason: string, message?: string): void {
    this.state = { waiting: { reason, ...(message === undefined ? {} : { message }) } };
  }

  /** Resolves when this run has ended. `onReady`: whether it is has changed meanwhile. */
  run(env: Readonly<Record<string, string>>, mounts: readonly Mount[], onReady: () => void): Promise<void> {
    const { command = this.#entryPoint, args = [], workingDir = '/', securityContext } = this.spec;
    const log = new ContainerLog(join(this.#folder, `${this.#logs.length}.log`));
    this.#logs.push(log);
    const startedAt = now();
    const running = new ContainerProcess({
      command: [...command, ...args].map((word) => expand(word, env)),
      env: { PATH, HOME: '/', HOSTNAME: this.#hostname, ...env },
      workingDir,
      hostname: this.#hostname,
      mounts,
      readOnlyRoot: securityContext?.readOnlyRootFilesystem === true,
      scratch: join(this.#folder, 'layer'),
      log,
    });
    this.#process = running;
    this.state = { running: { startedAt } };
    const probing = new AbortController();
    const isReady = (is: boolean) => {
      this.isReady = is;
      onReady();
    };
    void probe(this.spec, isReady, probing.signal);
    return running.ended.then(({ exitCode, error }) => {
      probing.abort();
      this.isReady = false;
      const reason = error !== null ? 'StartError' : exitCode === 0 ? 'Completed' : 'Error';
      const message = error === null ? {} : { message: error };
      this.state = { terminated: { exitCode, reason, ...message, startedAt, finishedAt: now() } };
    });
  }

  /** It ran, and will again. */
  backOff(): void {
    this.lastState = this.state;
    this.restarts += 1;
    this.wait('CrashLoopBackOff');
  }

  /** What never ran never will, and what ran under a node before this one is lost. */
  giveUp(message: string): void {
    if ('terminated' in this.state) return;
    const at = now();
    this.state = {
      terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message, startedAt: at, finishedAt: at },
    };
  }

  async stop(graceSeconds: number): Promise<void> {
    const running = this.#process;
    if (running === null || !('running' in this.state)) return;
    if (graceSeconds > 0) running.terminate();
    const killing = setTimeout(() => running.kill(), graceSeconds * 1000);
    await running.ended;
    clearTimeout(killing);
  }

  log(previous: boolean): ContainerLog | undefined {
    return this.#logs.at(previous ? -2 : -1);
  }

  status(): object {
    const { name, image } = this.spec;
    return {
      name,
      image,
      imageID: `process://${image}`,
      ready: this.isReady,
      started: 'running' in this.state,
      restartCount: this.restarts,
      state: this.state,
      lastState: this.lastState ?? {},
    };
  }
}

function now(): string {
  return `${new Date().toISOString().slice(0, -5)}Z`;
}
