/**
 * The whole of k8s/, applied as it is: the control plane as the pod `dss-0` with its volume, and a person outside who has
 * a kubeconfig, a token and nothing else. Needs a network of its own, as the manifests name ports.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { type Finished, REPOSITORY, type RunningDss, runDss, startDss, temporaryFolder } from '../support/dss.js';
import { skip } from '../support/skip.js';
import { until } from '../support/until.js';
import { type GivenCluster, givenCluster, isRunning } from './given-cluster.js';
import { OUR_IMAGES } from './our-images.js';
import { whyNoNetwork } from './own-network.js';

const NAMESPACE = 'dss';
const VOLUME = 'dss-state';
/** With the Role that k8s/README.md names, and no other. */
const PERSON = 'anna';
const WORKERS = 'app.kubernetes.io/component=worker';

/** A node whose pods are containers, and what these are made of. */
export interface RealPlace {
  readonly node: string;
  /** NAME:TAG that are on it. */
  readonly images: { readonly controlPlane: string; readonly worker: string };
}

export class Deployment {
  readonly cluster: GivenCluster;
  /** Of the person outside. Pods do not see it: they have a /tmp of their own. */
  readonly folder: string;
  /** The control plane's, on its volume. */
  readonly home: string;
  /** What a node needs on which its pods run. */
  readonly node = OUR_IMAGES;
  readonly #real: RealPlace | null;
  readonly #remove: () => void;
  #env: Readonly<Record<string, string>> = {};

  private constructor(cluster: GivenCluster, folder: ReturnType<typeof temporaryFolder>, real: RealPlace | null) {
    this.cluster = cluster;
    this.#real = real;
    this.folder = folder.path;
    this.home = join(folder.path, 'volume');
    this.#remove = () => folder[Symbol.dispose]();
  }

  /** `real`: in the place of a process node. */
  static async start(test: Mocha.Context, real: RealPlace | null = null): Promise<Deployment> {
    const why = whyNoNetwork();
    if (why !== null) skip(test, why);
    const cluster = await givenCluster(test);
    const deployment = new Deployment(cluster, temporaryFolder(), real);
    await deployment.#apply();
    await deployment.#makePerson();
    return deployment;
  }

  /** `dss` as the person outside runs it. */
  start(...args: readonly string[]): RunningDss {
    return startDss([...args, '--server', `kubernetes://${NAMESPACE}`], { env: this.#env });
  }

  /** Gives what it says on stdout. @throws with what it says on stderr, unless it ends with 0 */
  async dss(...args: readonly string[]): Promise<string> {
    return said(await this.start(...args).finished);
  }

  /** On the person's own machine, in place of the cluster. */
  async dssHere(...args: readonly string[]): Promise<string> {
    return said(await runDss([...args, '--home', join(this.folder, 'here')], { env: this.#env }));
  }

  async workers(): Promise<readonly V1Pod[]> {
    const { items } = await this.cluster.core.listNamespacedPod({ namespace: NAMESPACE, labelSelector: WORKERS });
    return items;
  }

  /** The pod of the control plane, ready. */
  async plane(): Promise<V1Pod> {
    const find = async () => {
      const { items } = await this.cluster.core.listNamespacedPod({ namespace: NAMESPACE });
      return items.find((pod) => pod.metadata?.name === 'dss-0' && isReady(pod));
    };
    await until(async () => (await find()) !== undefined);
    return (await find()) as V1Pod;
  }

  /** Runs a command in the container of the control plane. */
  inPlane(...command: readonly string[]): Promise<string> {
    return this.cluster.kubectl(['exec', '-n', NAMESPACE, 'dss-0', '-c', 'control-plane', '--', ...command]);
  }

  async jobs(): Promise<readonly V1Job[]> {
    return (await this.cluster.batch.listNamespacedJob({ namespace: NAMESPACE })).items;
  }

  /** Names of all that a sweep makes and that is there now. */
  async left(): Promise<readonly string[]> {
    const { items: secrets } = await this.cluster.core.listNamespacedSecret({ namespace: NAMESPACE });
    return [...(await this.jobs()), ...(await this.workers()), ...secrets].map(({ metadata }) => metadata?.name ?? '');
  }

  async workersRun(count: number): Promise<readonly V1Pod[]> {
    let pods: readonly V1Pod[] = [];
    await until(async () => {
      pods = (await this.workers()).filter(isRunning);
      return pods.length >= count;
    });
    return pods;
  }

  /** Of what travels from here, a copy where pods do not see it. */
  copied(...path: readonly string[]): string {
    const to = join(this.folder, path.join('-'));
    cpSync(join(REPOSITORY, ...path), to, { recursive: true });
    return to;
  }

  async remove(): Promise<void> {
    await this.cluster.kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found']);
    await this.cluster.kubectl(['delete', 'persistentvolume', VOLUME, '--ignore-not-found']);
    this.#remove();
  }

  async #apply(): Promise<void> {
    mkdirSync(this.home);
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: VOLUME },
      spec: {
        capacity: { storage: '50Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        ...(this.#real === null
          ? { hostPath: { path: this.home } }
          : // Not a host path, whose files a kubelet does not give to the pod's group. It draws the pod to its node too.
            { local: { path: this.home }, nodeAffinity: onNode(this.#real.node) }),
      },
    };
    const { cluster } = this;
    // What a test before this one had there must be gone.
    await until(async () => {
      const { items } = await cluster.core.listNamespace();
      return items.every(({ metadata }) => metadata?.name !== NAMESPACE);
    });
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(volume));
    const manifests = this.#real === null ? join(REPOSITORY, 'k8s') : this.#overlay(this.#real);
    await cluster.kubectl(['apply', '--server-side', '--validate=strict', '-k', manifests]);
    await this.plane();
  }

  /** Of an operator's own, as k8s/README.md has it: the base with their images. */
  #overlay({ images }: RealPlace): string {
    const folder = join(this.folder, 'overlay');
    mkdirSync(folder);
    const [newName, newTag] = images.controlPlane.split(':');
    const kustomization = {
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace: NAMESPACE,
      resources: [relative(folder, join(REPOSITORY, 'k8s/base'))],
      images: [{ name: 'dss-control-plane', newName, newTag }],
      configMapGenerator: [
        { name: 'dss-settings', behavior: 'merge', literals: [`DSS_WORKER_IMAGE=${images.worker}`] },
      ],
    };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return folder;
  }

  async #makePerson(): Promise<void> {
    const { cluster } = this;
    const token = join(this.folder, 'token');
    writeFileSync(token, await this.#createToken('--user', PERSON, '--role', 'submit'), { mode: 0o600 });
    await cluster.kubectl(['create', 'rolebinding', PERSON, '-n', NAMESPACE, '--role', 'dss-client', '--user', PERSON]);
    const kubeconfig = join(this.folder, 'kubeconfig');
    writeFileSync(kubeconfig, await cluster.parts.kubeconfigOf(PERSON), { mode: 0o600 });
    this.#env = {
      HOME: this.folder,
      KUBECONFIG: kubeconfig,
      DSS_TOKEN_FILE: token,
      DSS_DATASETS: this.copied('datasets'),
    };
  }

  async #createToken(...args: readonly string[]): Promise<string> {
    const command = ['auth', 'token', 'create', ...args];
    if (this.#real !== null) return await this.inPlane('dss', ...command);
    // A process node does not know `exec`.
    return said(await runDss([...command, '--home', this.home]));
  }
}

/** Of a volume that is on it. */
export function onNode(name: string): object {
  const term = { key: 'kubernetes.io/hostname', operator: 'In', values: [name] };
  return { required: { nodeSelectorTerms: [{ matchExpressions: [term] }] } };
}

function isReady({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return metadata?.deletionTimestamp === undefined && ready?.status === 'True';
}

function said({ code, stdout, stderr }: Finished): string {
  if (code !== 0) throw new Error(`dss ended with ${code}:\n${stderr}`);
  return stdout;
}
