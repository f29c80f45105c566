/** A pod's life on this node: made, run, ended by itself or when it is told to, and let go. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Container } from './container.js';
import type { Mount } from './container-process.js';
import type { NodeApi } from './node-api.js';
import { HOST_ADDRESS, type NodeConfig } from './node-config.js';
import type { Condition, ContainerSpec, Pod } from './objects.js';
import { ConfigError, PodSources } from './pod-sources.js';
import { makeVolumes } from './pod-volumes.js';
import { StatusSender } from './status-sender.js';

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

const RETRY_MS = 500;
const MAX_BACK_OFF_MS = 10_000;

export class PodRunner {
  readonly #config: NodeConfig;
  readonly #folder: string;
  readonly #containers: readonly Container[];
  readonly #initContainers: readonly Container[];
  readonly #sources: PodSources;
  readonly #sender: StatusSender;
  readonly #address: string;
  readonly #startTime = new Date().toISOString();
  readonly #since = new Map<string, { readonly status: string; readonly time: string }>();
  readonly #stopping = new AbortController();
  #pod: Pod;
  #phase: Phase = 'Pending';
  #why: { readonly reason: string; readonly message: string } | null = null;
  #isLeaving = false;
  #volumes: ReadonlyMap<string, string> = new Map();

  constructor(api: NodeApi, config: NodeConfig, pod: Pod, address: string) {
    this.#config = config;
    this.#pod = pod;
    this.#address = address;
    this.#folder = join(config.folder, 'pods', pod.metadata.uid);
    mkdirSync(this.#folder, { recursive: true });
    const hostname = pod.spec.hostname ?? pod.metadata.name;
    const make = (spec: ContainerSpec) => {
      return new Container(spec, this.#folder, hostname, config.entryPoints[spec.image] ?? []);
    };
    this.#containers = pod.spec.containers.map(make);
    this.#initContainers = (pod.spec.initContainers ?? []).map(make);
    this.#sources = new PodSources(api, pod, address, config.name);
    this.#sender = new StatusSender(api, pod.metadata, () => this.#status());
  }

  get pod(): Pod {
    return this.#pod;
  }

  container(name: string): Container | undefined {
    return [...this.#containers, ...this.#initContainers].find(({ spec }) => spec.name === name);
  }

  /** Resolves when it has ended, whatever of. */
  async run(): Promise<void> {
    const before = this.#pod.status?.phase ?? 'Pending';
    if (this.#pod.metadata.deletionTimestamp !== undefined) return;
    if (before === 'Succeeded' || before === 'Failed') {
      this.#phase = before;
      return;
    }
    if (before === 'Running') {
      this.#giveUp('it ran before this node was started again');
      return;
    }
    const { activeDeadlineSeconds: deadline } = this.#pod.spec;
    const timer = deadline === undefined ? undefined : setTimeout(() => this.#exceedDeadline(), deadline * 1000);
    void this.#sender.send();
    this.#volumes =
      (await this.#untilMade(
        () => makeVolumes(this.#pod, join(this.#folder, 'volumes'), this.#sources),
        this.#containers[0],
      )) ?? new Map();
    for (const container of this.#initContainers) {
      await this.#runOnce(container);
      if (container.exitCode !== 0) return this.#giveUp('an init container failed');
    }
    await Promise.all(this.#containers.map((container) => this.#runByPolicy(container)));
    clearTimeout(timer);
    if (this.#containers.some(({ exitCode }) => exitCode === null)) return;
    this.#phase = this.#containers.every(({ exitCode }) => exitCode === 0) ? 'Succeeded' : 'Failed';
    void this.#sender.send();
  }

  /** What Kubernetes says of it now. Resolves when it is gone, if it is to go. */
  async update(pod: Pod): Promise<void> {
    this.#pod = pod;
    const { deletionTimestamp, deletionGracePeriodSeconds: grace = 30 } = pod.metadata;
    if (this.#isLeaving) return;
    if (deletionTimestamp === undefined) {
      // Of a node that was not heard from all pods are called unready, and it is for the node to say that they are not.
      const said = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
      if (said !== undefined && said !== (this.#isReady ? 'True' : 'False')) void this.#sender.send();
      return;
    }
    this.#isLeaving = true;
    await this.stop(grace);
    if (this.#phase === 'Pending' || this.#phase === 'Running') this.#giveUp('it was deleted');
    await this.#sender.send();
    await this.#sender.remove();
  }

  async stop(graceSeconds: number): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#containers, ...this.#initContainers].map((each) => each.stop(graceSeconds)));
  }

  removeFiles(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #exceedDeadline(): void {
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#why = { reason: 'DeadlineExceeded', message };
    void this.stop(this.#pod.spec.terminationGracePeriodSeconds ?? 30).then(() => this.#giveUp(message));
  }

  #giveUp(message: string): void {
    for (const container of this.#containers) container.giveUp(message);
    this.#phase = 'Failed';
    void this.#sender.send();
  }

  async #runByPolicy(container: Container): Promise<void> {
    const { restartPolicy = 'Always' } = this.#pod.spec;
    while (!this.#stopping.signal.aborted) {
      await this.#runOnce(container);
      const mayRunAgain = restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && container.exitCode !== 0);
      if (!mayRunAgain || this.#stopping.signal.aborted) return;
      container.backOff();
      void this.#sender.send();
      await this.#pause(Math.min(MAX_BACK_OFF_MS, RETRY_MS * 2 ** container.restarts));
    }
  }

  async #runOnce(container: Container): Promise<void> {
    if (!container.hasImage) {
      // Meanwhile it may have waited for something else.
      container.waitForImage();
      await this.#sender.send();
      return;
    }
    const env = await this.#untilMade(() => this.#sources.environment(container.spec), container);
    if (env === null) return;
    const all = { ...this.#config.env, ...this.#serviceVariables(), ...env };
    const end = container.run(all, this.#mountsOf(container), () => void this.#sender.send());
    if (this.#containers.every(({ hasStarted }) => hasStarted)) this.#phase = 'Running';
    void this.#sender.send();
    await end;
  }

  /** As in every pod: where the API server is. */
  #serviceVariables(): Readonly<Record<string, string>> {
    const { hostname, port } = new URL(this.#config.server);
    return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  }

  #mountsOf({ spec }: Container): readonly Mount[] {
    const { machinePaths, folder } = this.#config;
    const machine = machinePaths.map((path) => ({ from: path, to: path, readOnly: true }));
    const names = { from: join(folder, 'hosts'), to: '/etc/hosts', readOnly: true };
    const ofPod = (spec.volumeMounts ?? []).map(({ name, mountPath, subPath = '', readOnly = false }) => ({
      from: join(this.#volumes.get(name) ?? '', subPath),
      to: mountPath,
      readOnly,
    }));
    // A volume at /tmp must not hide a repository that lies there.
    return [...ofPod, ...machine, names];
  }

  /** Tries again for as long as something is missing; null: it is to end first. */
  async #untilMade<T>(make: () => Promise<T>, container: Container | undefined): Promise<T | null> {
    while (!this.#stopping.signal.aborted) {
      try {
        return await make();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        container?.wait(error instanceof ConfigError ? 'CreateContainerConfigError' : 'ContainerCreating', message);
        void this.#sender.send();
        await this.#pause(RETRY_MS);
      }
    }
    return null;
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  get #isDone(): boolean {
    return this.#phase === 'Succeeded' || this.#phase === 'Failed';
  }

  get #isReady(): boolean {
    return !this.#isDone && this.#containers.every((container) => container.isReady);
  }

  #status(): object {
    const isDone = this.#isDone;
    const isReady = this.#isReady;
    const done = this.#phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed';
    const unready = isDone ? { reason: done } : { reason: 'ContainersNotReady' };
    const ready = { status: isReady ? ('True' as const) : ('False' as const), ...(isReady ? {} : unready) };
    return {
      phase: this.#phase,
      ...(this.#why ?? {}),
      hostIP: HOST_ADDRESS,
      hostIPs: [{ ip: HOST_ADDRESS }],
      podIP: this.#address,
      podIPs: [{ ip: this.#address }],
      startTime: this.#startTime,
      conditions: [
        this.#condition({ type: 'Initialized', status: 'True' }),
        this.#condition({ type: 'Ready', ...ready }),
        this.#condition({ type: 'ContainersReady', ...ready }),
      ],
      containerStatuses: this.#containers.map((container) => container.status()),
      initContainerStatuses: this.#initContainers.map((container) => container.status()),
    };
  }

  #condition(condition: Condition): object {
    const known = this.#since.get(condition.type);
    const since =
      known?.status === condition.status ? known : { status: condition.status, time: new Date().toISOString() };
    this.#since.set(condition.type, since);
    return { ...condition, lastTransitionTime: since.time };
  }
}
