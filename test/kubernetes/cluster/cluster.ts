/**
 * A real Kubernetes of this test's own: its control plane, and nodes that run the containers of pods as processes of this
 * machine. Ready in ten seconds; everything listens on loopback. A node that is added runs what is scheduled to it from
 * then on.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { REPOSITORY } from '../../support/dss.js';
import { kubeconfigOf } from './authority.js';
import { type ClusterBinary, KUBERNETES_VERSION } from './build-binary.js';
import { Component } from './component.js';
import { ControlPlane } from './control-plane.js';
import { freePorts } from './free-ports.js';
import type { NodeConfig } from './process-node/node-config.js';
import type { NodePrograms } from './real-node/packages.js';
import { NODE_ADDRESS, RealNode } from './real-node/real-node.js';

export interface NodeOptions {
  /** Default: 8 cores, 16 GiB and two devices that are declared and nothing more. */
  readonly capacity?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** What every container finds in its environment, as from its image. */
  readonly env?: Readonly<Record<string, string>>;
  /** By image; see NodeConfig. */
  readonly entryPoints?: Readonly<Record<string, readonly string[]>>;
  /** See NodeConfig. */
  readonly hosts?: Readonly<Record<string, string>>;
}

const CAPACITY = { cpu: '8', memory: '16Gi', pods: '110', 'ephemeral-storage': '50Gi', 'nvidia.com/gpu': '2' } as const;
const NODE = join(import.meta.dirname, 'process-node/main.ts');
const TSX = import.meta.resolve('tsx');

export class Cluster {
  readonly kubeconfig: string;
  readonly folder: string;
  readonly #binary: ClusterBinary;
  readonly #plane: ControlPlane;
  readonly #nodes = new Map<string, Component>();

  private constructor(folder: string, binary: ClusterBinary, plane: ControlPlane) {
    this.folder = folder;
    this.#binary = binary;
    this.#plane = plane;
    this.kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(this.kubeconfig, kubeconfigOf(plane.url, plane.authority.certificate, plane.admin), { mode: 0o600 });
  }

  static async start(
    binary: ClusterBinary,
    nodes: Readonly<Record<string, NodeOptions>> = { 'node-1': {} },
  ): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'dss-cluster-'));
    const plane = await ControlPlane.start({ folder: join(folder, 'control-plane'), binary: binary.cluster });
    const cluster = new Cluster(folder, binary, plane);
    try {
      await Promise.all(Object.entries(nodes).map(([name, options]) => cluster.addNode(name, options)));
    } catch (error) {
      await cluster.stop({ keepsLogs: true });
      throw error;
    }
    return cluster;
  }

  /** The node is gone without a word when it is killed, and its pods with it. */
  node(name: string): Component {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`node "${name}" was not added; there are ${[...this.#nodes.keys()]}`);
    return node;
  }

  /** Resolves when pods can be scheduled to it. */
  async addNode(name: string, options: NodeOptions = {}): Promise<void> {
    const config = await this.nodeConfig(name, options);
    const path = join(config.folder, 'node.json');
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    const node = new Component(join(config.folder, 'node.log'), [process.execPath, '--import', TSX, NODE, path]);
    node.start();
    this.#nodes.set(name, node);
    while (!(await this.#takesPods(name))) {
      node.check();
      await sleep(50);
    }
  }

  /** A node whose pods are containers; `programs`: of Debian's packages. Not like the others: the test ends it. */
  async addRealNode(name: string, programs: NodePrograms): Promise<RealNode> {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const { authority, url } = this.#plane;
    const user = { name: `system:node:${name}`, group: 'system:nodes' };
    const identity = await authority.issue({ ...user, hosts: [NODE_ADDRESS, name] });
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigOf(url, authority.certificate, identity), { mode: 0o600 });
    const node = await RealNode.start({
      name,
      folder,
      binary: this.#binary,
      programs,
      authority,
      identity,
      kubeconfig,
    });
    while (!(await this.#takesPods(name))) {
      node.check();
      await sleep(50);
    }
    return node;
  }

  /** What a node needs to be one of this cluster. */
  async nodeConfig(
    name: string,
    { capacity = {}, labels = {}, env = {}, entryPoints = {}, hosts = {} }: NodeOptions = {},
  ): Promise<NodeConfig> {
    const folder = join(this.folder, name);
    mkdirSync(folder);
    const [port = 0] = await freePorts(1);
    const { authority, url } = this.#plane;
    const user = { name: `system:node:${name}`, group: 'system:nodes' };
    return {
      name,
      labels,
      env,
      entryPoints,
      hosts,
      folder,
      kubeletPort: port,
      version: KUBERNETES_VERSION,
      capacity: { ...CAPACITY, ...capacity },
      // Which may be a file system of its own.
      machinePaths: [REPOSITORY],
      server: url,
      ca: authority.certificate,
      identity: await authority.issue({ ...user, hosts: ['127.0.0.1', name] }),
    };
  }

  /** Of somebody who may do here what roles let them. */
  async kubeconfigOf(user: string): Promise<string> {
    const { authority, url } = this.#plane;
    return kubeconfigOf(url, authority.certificate, await authority.issue({ name: user }));
  }

  /** Deletes what is left of a node that was stopped or killed; Kubernetes then lets its pods go. */
  async removeNode(name: string): Promise<void> {
    await this.#nodes.get(name)?.stop();
    this.#nodes.delete(name);
    await this.kubectl(['delete', 'node', name, '--ignore-not-found']);
  }

  /** Like a crash: whoever watches is cut off. */
  async killApiServer(): Promise<void> {
    await this.#plane.apiServer.stop('SIGKILL');
  }

  async startApiServer(): Promise<void> {
    await this.#plane.startApiServer();
  }

  /** Words to start a kubectl with that knows this cluster by KUBECONFIG. */
  get kubectlCommand(): readonly string[] {
    return [this.#binary.cluster, 'kubectl'];
  }

  /** Resolves with what it says on stdout; rejects with what it says on stderr. */
  kubectl(args: readonly string[], input = ''): Promise<string> {
    const [program = '', ...first] = this.kubectlCommand;
    const child = spawn(program, [...first, ...args], { env: { ...process.env, KUBECONFIG: this.kubeconfig } });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`kubectl ${args.join(' ')}: ${err}`))));
    });
  }

  async stop({ keepsLogs = false } = {}): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.stop('SIGKILL')));
    await this.#plane.stop();
    if (keepsLogs) console.warn(`      logs of the cluster: ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
  }

  async #takesPods(name: string): Promise<boolean> {
    const { items } = JSON.parse(await this.kubectl(['get', 'nodes', '-o', 'json'])) as {
      readonly items: readonly {
        readonly metadata: { readonly name: string };
        readonly spec: { readonly taints?: readonly unknown[] };
        readonly status: { readonly allocatable?: Readonly<Record<string, string>> };
      }[];
    };
    const node = items.find(({ metadata }) => metadata.name === name);
    return node !== undefined && node.status.allocatable?.['pods'] !== undefined && node.spec.taints === undefined;
  }
}
