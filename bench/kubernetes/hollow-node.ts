/**
 * A node whose pods are one process's: each is a worker's session with the control plane, by the token of its Secret, and
 * does every trial at once. What Kubernetes sees of it is what it would see of any node.
 */
import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import type { ClientTls } from '../../orchestrator/auth/tls-files.js';
import { NodeApi } from '../../test/kubernetes/cluster/process-node/node-api.js';
import type { NodeConfig } from '../../test/kubernetes/cluster/process-node/node-config.js';
import { beat, register } from '../../test/kubernetes/cluster/process-node/registration.js';
import { ScriptedWorker } from '../../test/support/scripted-worker.js';
import { resultOf } from '../../test/support/trials.js';

export interface HollowNodeParts {
  readonly config: NodeConfig;
  readonly core: CoreV1Api;
  readonly namespace: string;
  /** HOST:PORT of the control plane. */
  readonly address: string;
  readonly tls: ClientTls;
}

interface HollowPod {
  readonly worker: ScriptedWorker;
}

const TOLD_TO_END = 143;

export class HollowNode {
  finished = 0;
  /** By `performance.now()`; `null`: none since it was cleared. */
  firstLentMs: number | null = null;
  readonly #parts: HollowNodeParts;
  readonly #api: NodeApi;
  readonly #pods = new Map<string, HollowPod>();
  readonly #tokens = new Map<string, Promise<string>>();
  readonly #stop = new AbortController();

  constructor(parts: HollowNodeParts) {
    this.#parts = parts;
    this.#api = new NodeApi(parts.config);
  }

  /** Pods that run. */
  get pods(): number {
    return this.#pods.size;
  }

  async start(): Promise<void> {
    await register(this.#api, this.#parts.config);
    void beat(this.#api, this.#parts.config, this.#stop.signal);
    void this.#follow();
  }

  stop(): void {
    this.#stop.abort();
    for (const { worker } of this.#pods.values()) worker.close();
  }

  async #follow(): Promise<void> {
    const mine = `/api/v1/pods?fieldSelector=spec.nodeName%3D${this.#parts.config.name}`;
    while (!this.#stop.signal.aborted) {
      const { items, metadata } = await this.#api.call<{ items: V1Pod[]; metadata: { resourceVersion: string } }>(
        'GET',
        mine,
      );
      for (const pod of items) void this.#see(pod);
      const from = `${mine}&watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=600`;
      await this.#api.watch(from, (type, pod) => {
        if (type === 'ADDED' || type === 'MODIFIED') void this.#see(pod as V1Pod);
      });
    }
  }

  async #see({ metadata, spec, status }: V1Pod): Promise<void> {
    const { uid = '', name = '', deletionTimestamp } = metadata ?? {};
    const known = this.#pods.get(uid);
    if (deletionTimestamp !== undefined) {
      if (known === undefined) return;
      this.#pods.delete(uid);
      known.worker.close();
      await this.#say(name, uid, { phase: 'Failed' }, { terminated: { exitCode: TOLD_TO_END, reason: 'Error' } });
      const body = { gracePeriodSeconds: 0, preconditions: { uid } };
      await this.#api.call('DELETE', this.#pathOf(name), body).catch(() => {});
      return;
    }
    if (known !== undefined || status?.phase === 'Failed') return;
    const secret = spec?.volumes?.find((volume) => volume.name === 'join')?.secret?.secretName ?? '';
    const pending = this.#tokens.get(secret) ?? this.#tokenOf(secret);
    this.#tokens.set(secret, pending);
    const joinToken = await pending;
    const { address, tls, config } = this.#parts;
    const worker = new ScriptedWorker({
      address,
      joinToken,
      tls,
      hello: { workerId: name, host: config.name },
      // A connection of its own, as a worker in a pod of its own has.
      channel: { 'grpc.use_local_subchannel_pool': 1 },
    });
    this.#pods.set(uid, { worker });
    void this.#work(worker);
    await this.#say(name, uid, { phase: 'Running' }, { running: { startedAt: now() } });
  }

  async #work(worker: ScriptedWorker): Promise<void> {
    for (;;) {
      const assign = await worker.next('assign').catch(() => null);
      if (assign === null) return;
      this.firstLentMs ??= performance.now();
      worker.report({ kind: 'finished', lease: assign.lease, result: resultOf(0.5) });
      this.finished += 1;
    }
  }

  async #say(name: string, uid: string, status: object, state: object): Promise<void> {
    const isReady = 'running' in state;
    const container = { name: 'worker', image: 'none', imageID: '', restartCount: 0, ready: isReady, state };
    const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: now() }];
    const body = { metadata: { uid }, status: { ...status, containerStatuses: [container], conditions } };
    await this.#api.call('PATCH', `${this.#pathOf(name)}/status`, body).catch(() => {}); // it is gone
  }

  async #tokenOf(name: string): Promise<string> {
    const { data } = await this.#parts.core.readNamespacedSecret({ namespace: this.#parts.namespace, name });
    return Buffer.from(data?.['token'] ?? '', 'base64').toString('utf8');
  }

  #pathOf(pod: string): string {
    return `/api/v1/namespaces/${this.#parts.namespace}/pods/${pod}`;
  }
}

function now(): string {
  return `${new Date().toISOString().slice(0, -5)}Z`;
}
