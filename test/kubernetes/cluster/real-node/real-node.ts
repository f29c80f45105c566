/**
 * A node whose pods are containers: a real kubelet with containerd and runc, in the network of the test run alone. What
 * a process node only says of isolation it does: users, read-only roots, limits of memory, addresses of pods.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Authority, Identity } from '../authority.js';
import type { ClusterBinary } from '../build-binary.js';
import { Component } from '../component.js';
import { type ImageConfig, writeImage } from './image.js';
import type { NodePrograms } from './packages.js';
import { rememberPodGroups } from './pod-cgroups.js';

export interface RealNodeParts {
  readonly name: string;
  readonly folder: string;
  readonly binary: ClusterBinary;
  readonly programs: NodePrograms;
  readonly authority: Authority;
  readonly identity: Identity;
  readonly kubeconfig: string;
}

/** A shell and what it calls. */
export const SHELL_IMAGE = 'dss.test/shell:1';
const PAUSE_IMAGE = 'dss.test/pause:1';
/** Not loopback, which a kubelet refuses; of the test run's own network. */
export const NODE_ADDRESS = '10.99.0.2';
const KUBELET_PORT = 10_260;
const PODS = '10.88.0.0/24';

export class RealNode {
  readonly #parts: RealNodeParts;
  readonly #containerd: Component;
  readonly #kubelet: Component;
  readonly #removeGroups = rememberPodGroups();

  private constructor(parts: RealNodeParts, containerd: Component, kubelet: Component) {
    this.#parts = parts;
    this.#containerd = containerd;
    this.#kubelet = kubelet;
  }

  static async start(parts: RealNodeParts): Promise<RealNode> {
    const { folder, programs, binary, name } = parts;
    execFileSync('ip', ['address', 'replace', `${NODE_ADDRESS}/32`, 'dev', 'lo']);
    for (const each of ['containerd', 'cni', 'kubelet']) mkdirSync(join(folder, each), { recursive: true });
    const env = { PATH: `${programs.path}:${process.env['PATH'] ?? ''}` };
    const containerdConfig = write(folder, 'containerd.toml', containerdSettings(parts));
    const containerd = new Component(
      join(folder, 'containerd.log'),
      [programs.containerd, '--config', containerdConfig],
      env,
    );
    write(folder, 'cni/10-test.conflist', JSON.stringify(network(folder)));
    const args = [
      `--config=${write(folder, 'kubelet.json', JSON.stringify(kubeletSettings(parts)))}`,
      `--kubeconfig=${parts.kubeconfig}`,
      `--hostname-override=${name}`,
      `--node-ip=${NODE_ADDRESS}`,
      `--root-dir=${join(folder, 'kubelet')}`,
      '--node-labels=dss.internal/real=yes',
    ];
    const kubelet = new Component(join(folder, 'kubelet.log'), [binary.cluster, 'kubelet', ...args], env);
    const node = new RealNode(parts, containerd, kubelet);
    containerd.start();
    await node.#until(() => node.#ctr('version'));
    node.addImage(PAUSE_IMAGE, (root) => {
      cpSync(binary.pause, join(root, 'pause'));
      return { Entrypoint: ['/pause'] };
    });
    node.addImage(SHELL_IMAGE, (root) => putShell(root, programs.busybox));
    kubelet.start();
    return node;
  }

  /** @throws where a part of it ended by itself */
  check(): void {
    for (const each of [this.#containerd, this.#kubelet]) each.check();
  }

  /** Its containers first, which would outlive it. */
  async stop(): Promise<void> {
    await this.#kubelet.stop('SIGKILL');
    const tasks = this.#ctr('tasks', 'list', '-q').split('\n').filter(Boolean);
    for (const task of tasks) this.#tryCtr('tasks', 'kill', '--signal', 'SIGKILL', task);
    for (const task of tasks) this.#tryCtr('tasks', 'delete', '--force', task);
    await this.#containerd.stop('SIGTERM');
    for (const mount of mountsBelow(this.#parts.folder)) execFileSync('umount', ['--lazy', mount]);
    this.#removeGroups();
  }

  /** Of what `fill` puts into a folder; pods name it and nothing is pulled. */
  addImage(name: string, fill: (root: string) => ImageConfig): void {
    const root = join(this.#parts.folder, `image-${name.replace(/\W/g, '-')}`);
    mkdirSync(root, { recursive: true });
    const config = fill(root);
    const archive = `${root}.tar`;
    writeImage(archive, name, root, config);
    this.#ctr('images', 'import', archive);
    for (const each of [root, archive]) rmSync(each, { recursive: true });
  }

  #ctr(...args: readonly string[]): string {
    const { programs, folder } = this.#parts;
    const socket = join(folder, 'containerd.sock');
    return execFileSync(programs.ctr, ['--address', socket, '--namespace', 'k8s.io', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  #tryCtr(...args: readonly string[]): void {
    try {
      this.#ctr(...args);
    } catch {
      // It ended meanwhile.
    }
  }

  async #until(call: () => unknown): Promise<void> {
    for (;;) {
      this.check();
      try {
        call();
        return;
      } catch {
        await sleep(50);
      }
    }
  }
}

function putShell(root: string, busybox: string): ImageConfig {
  mkdirSync(join(root, 'bin'));
  cpSync(busybox, join(root, 'bin/busybox'));
  for (const name of ['sh', 'cat', 'ls', 'id', 'sleep', 'head', 'tail', 'touch'])
    symlinkSync('busybox', join(root, 'bin', name));
  return {};
}

function containerdSettings({ folder, programs }: RealNodeParts): string {
  const at = (name: string) => JSON.stringify(join(folder, name));
  return `version = 2
root = ${at('containerd/root')}
state = ${at('containerd/state')}
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = ${at('containerd.sock')}
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${PAUSE_IMAGE}"
disable_apparmor = true
# In a container of the user's own a process may not make itself safer from the OOM killer than it is.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = ${JSON.stringify(programs.plugins)}
conf_dir = ${at('cni')}
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = ${JSON.stringify(programs.runc)}
SystemdCgroup = false
`;
}

function kubeletSettings({ folder, authority, identity }: RealNodeParts): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    port: KUBELET_PORT,
    healthzPort: 0,
    readOnlyPort: 0,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: '/',
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    containerRuntimeEndpoint: `unix://${join(folder, 'containerd.sock')}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: write(folder, 'ca.pem', authority.certificate) },
    },
    authorization: { mode: 'AlwaysAllow' },
    tlsCertFile: write(folder, 'kubelet.pem', identity.certificate),
    tlsPrivateKeyFile: write(folder, 'kubelet.key', identity.key),
    volumePluginDir: join(folder, 'kubelet/plugins'),
    podLogsDir: join(folder, 'kubelet/pod-logs'),
    // The disk of a test machine may be as full as it likes.
    evictionHard: {},
    imageGCHighThresholdPercent: 100,
    localStorageCapacityIsolation: false,
    nodeStatusUpdateFrequency: '2s',
    nodeLeaseDurationSeconds: 20,
    makeIPTablesUtilChains: false,
  };
}

function network(folder: string): object {
  const ipam = {
    type: 'host-local',
    dataDir: join(folder, 'cni-data'),
    ranges: [[{ subnet: PODS }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const bridge = { type: 'bridge', bridge: 'dss-pods', isGateway: true, ipMasq: false, hairpinMode: true, ipam };
  return { cniVersion: '0.4.0', name: 'pods', plugins: [bridge] };
}

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** The deepest first. */
function mountsBelow(folder: string): readonly string[] {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const points = lines.map((line) => line.split(' ')[1] ?? '').filter((point) => point.startsWith(`${folder}/`));
  return points.sort((a, b) => b.length - a.length);
}
