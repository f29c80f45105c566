/** etcd, API server, controllers and scheduler, as processes of this machine that listen on loopback alone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Authority, type Identity, kubeconfigOf, makeSigningKey } from './authority.js';
import { Component } from './component.js';
import { freePorts } from './free-ports.js';

/** Those that something here needs: each of the others costs a second until all are ready. */
const CONTROLLERS = [
  'deployment',
  'disruption',
  'endpointslice',
  'garbage-collector',
  'job',
  'namespace',
  'node-lifecycle',
  'persistentvolume-binder',
  'persistentvolume-protection',
  'persistentvolumeclaim-protection',
  'pod-garbage-collector',
  'replicaset',
  'resourcequota',
  'root-ca-certificate-publisher',
  'serviceaccount',
  'statefulset',
  'taint-eviction',
  'ttl-after-finished',
].map((name) => `${name}-controller`);

/**
 * A node is lost after 20 seconds without a word from it and its pods two later, not after 40 and 300. Less than 20 is
 * what a busy machine makes a node wait.
 */
const SOON_LOST = {
  apiServer: ['--default-unreachable-toleration-seconds=2', '--default-not-ready-toleration-seconds=2'],
  controllers: ['--node-monitor-grace-period=20s', '--node-monitor-period=1s'],
} as const;

const LOOPBACK = '127.0.0.1';

export interface ControlPlaneOptions {
  readonly folder: string;
  readonly binary: string;
  /** The address that nodes reach it by; default: loopback. */
  readonly address?: string;
  /** Words before each command, such as those that enter a network namespace. */
  readonly prefix?: readonly string[];
}

export class ControlPlane {
  readonly url: string;
  readonly authority: Authority;
  readonly admin: Identity;
  readonly apiServer: Component;
  readonly #others: readonly Component[];
  /** Of the others, those that need the API server. */
  readonly #after: readonly Component[];
  readonly #healthPorts: readonly number[];

  private constructor(
    url: string,
    authority: Authority,
    admin: Identity,
    components: { readonly etcd: Component; readonly apiServer: Component; readonly after: readonly Component[] },
    healthPorts: readonly number[],
  ) {
    this.url = url;
    this.authority = authority;
    this.admin = admin;
    this.apiServer = components.apiServer;
    this.#others = [components.etcd, ...components.after];
    this.#after = components.after;
    this.#healthPorts = healthPorts;
  }

  static async start({ folder, binary, address = LOOPBACK, prefix = [] }: ControlPlaneOptions): Promise<ControlPlane> {
    const authority = await Authority.create();
    const [port = 0, etcdPort = 0, controllersPort = 0, schedulerPort = 0] = await freePorts(4);
    const url = `https://${address}:${port}`;
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    mkdirSync(folder, { recursive: true });
    const hosts = [address, LOOPBACK, 'localhost', '10.96.0.1', 'kubernetes.default.svc'];
    const server = await authority.issue({ name: 'kube-apiserver', hosts: [...new Set(hosts)] });
    const ofKubelets = await authority.issue({ name: 'kube-apiserver', group: 'system:masters' });
    const admin = await authority.issue({ name: 'admin', group: 'system:masters' });
    const signing = makeSigningKey();
    const ca = file('ca.pem', authority.certificate);
    const signingKey = file('service-accounts.key', signing.privateKey);
    const kubeconfig = async (name: string) =>
      file(`${name}.kubeconfig`, kubeconfigOf(url, authority.certificate, await authority.issue({ name })));
    const component = (name: string, ...args: readonly string[]) =>
      new Component(join(folder, `${name}.log`), [...prefix, binary, name, ...args]);

    const etcd = component('etcd', join(folder, 'etcd'), String(etcdPort));
    const apiServer = component(
      'kube-apiserver',
      `--etcd-servers=http://${LOOPBACK}:${etcdPort}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${port}`,
      '--endpoint-reconciler-type=none',
      `--cert-dir=${folder}`,
      `--tls-cert-file=${file('server.pem', server.certificate)}`,
      `--tls-private-key-file=${file('server.key', server.key)}`,
      `--client-ca-file=${ca}`,
      `--kubelet-certificate-authority=${ca}`,
      `--kubelet-client-certificate=${file('of-kubelets.pem', ofKubelets.certificate)}`,
      `--kubelet-client-key=${file('of-kubelets.key', ofKubelets.key)}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${signingKey}`,
      `--service-account-key-file=${file('service-accounts.pem', signing.publicKey)}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      '--profiling=false',
      ...SOON_LOST.apiServer,
    );
    const controllers = component(
      'kube-controller-manager',
      `--kubeconfig=${await kubeconfig('system:kube-controller-manager')}`,
      `--bind-address=${LOOPBACK}`,
      `--secure-port=${controllersPort}`,
      `--cert-dir=${folder}`,
      `--controllers=${CONTROLLERS.join(',')}`,
      '--leader-elect=false',
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${signingKey}`,
      `--root-ca-file=${ca}`,
      // Its own bound is for a cluster that others share.
      '--kube-api-qps=200',
      '--kube-api-burst=400',
      ...SOON_LOST.controllers,
    );
    const scheduler = component(
      'kube-scheduler',
      `--kubeconfig=${await kubeconfig('system:kube-scheduler')}`,
      `--bind-address=${LOOPBACK}`,
      `--secure-port=${schedulerPort}`,
      `--cert-dir=${folder}`,
      '--leader-elect=false',
      '--kube-api-qps=200',
      '--kube-api-burst=400',
    );
    const parts = { etcd, apiServer, after: [controllers, scheduler] };
    const plane = new ControlPlane(url, authority, admin, parts, [controllersPort, schedulerPort]);
    try {
      for (const each of [etcd, apiServer]) each.start();
      // The others wait for it too, and give up after ten seconds, which is short on a busy machine.
      await plane.waitForApi();
      for (const each of parts.after) each.start();
      await plane.#waitUntilUsable();
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  /** Of a part that ended, or until the API server answers. */
  async waitForApi(): Promise<void> {
    await this.#wait(async () => (await this.#get(`${this.url}/readyz`)) === 200);
  }

  /**
   * After a crash. What waits for it begins anew, as it does where it has lost its lease meanwhile: left as they were,
   * controllers have once seen no pod any more.
   */
  async startApiServer(): Promise<void> {
    this.apiServer.start();
    await this.waitForApi();
    for (const each of this.#after) {
      await each.stop('SIGKILL');
      each.start();
    }
    await this.#waitUntilUsable();
  }

  async stop(): Promise<void> {
    // It waits a minute for what still watches it.
    await this.apiServer.stop('SIGKILL');
    await Promise.all(this.#others.map((each) => each.stop('SIGKILL')));
  }

  async #waitUntilUsable(): Promise<void> {
    for (const port of this.#healthPorts) {
      await this.#wait(async () => (await this.#get(`https://${LOOPBACK}:${port}/healthz`)) === 200);
    }
    // Pods are refused before it exists.
    const account = `${this.url}/api/v1/namespaces/default/serviceaccounts/default`;
    await this.#wait(async () => (await this.#get(account)) === 200);
  }

  async #wait(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) {
      for (const each of [this.apiServer, ...this.#others]) each.check();
      await sleep(50);
    }
  }

  #get(url: string): Promise<number> {
    const { certificate, key } = this.admin;
    // The certificates of health ports are the parts' own.
    const options = { cert: certificate, key, rejectUnauthorized: false, agent: false };
    return new Promise((resolve) => {
      const asked = request(url, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.on('error', () => resolve(0));
      asked.end();
    });
  }
}
