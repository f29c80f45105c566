/** The cluster that these tests run on, a namespace of it for each test, and what kubectl would do there. */
import { randomBytes } from 'node:crypto';
import { BatchV1Api, CoreV1Api, KubeConfig, type V1Pod } from '@kubernetes/client-node';
import type { KubeConnection } from '../../orchestrator/launchers/kubernetes/kube-connection.js';
import { skip } from '../support/skip.js';
import { until } from '../support/until.js';
import { findBinary } from './cluster/build-binary.js';
import { Cluster } from './cluster/cluster.js';
import { hearsSigterm } from './cluster/pod-process.js';
import { OUR_IMAGES } from './our-images.js';

export interface GivenCluster {
  /** Its parts, to be killed and added to. */
  readonly parts: Cluster;
  readonly kubeconfig: string;
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  /** A new one, by the standard that k8s/ enforces. */
  namespace(): Promise<TestNamespace>;
  /** One that is there. */
  namespaceNamed(name: string): TestNamespace;
  /** Resolves with what it says on stdout; rejects with what it says on stderr. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

export interface TestNamespace {
  readonly name: string;
  /** As whom; default: as an administrator. */
  connection(user?: { readonly token: string }): KubeConnection;
  pods(): Promise<readonly V1Pod[]>;
  podsAre(accepts: (pods: readonly V1Pod[]) => boolean): Promise<readonly V1Pod[]>;
  /** Names of all that a launcher makes. */
  left(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

let shared: Promise<Cluster> | null = null;

/** One for all files of a run, whose tests each have a namespace of their own: its nodes run pods as processes of this machine. */
export async function givenCluster(test: Mocha.Context): Promise<GivenCluster> {
  const binary = findBinary();
  if (binary === null) skip(test, 'no test cluster was built: npm run test:kubernetes builds it');
  shared ??= Cluster.start(binary, { 'node-1': OUR_IMAGES });
  const cluster = await shared;
  const { kubeconfig } = cluster;
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const batch = config.makeApiClient(BatchV1Api);
  return {
    parts: cluster,
    kubeconfig,
    config,
    core,
    batch,
    kubectl: (args, input) => cluster.kubectl(args, input),
    namespaceNamed: (name) => namespaceOf(name, { kubeconfig, core, batch }),
    namespace: async () => {
      const name = `t-${randomBytes(4).toString('hex')}`;
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await core.createNamespace({ body: { metadata: { name, labels } } });
      // Pods are refused before it is there.
      await until(async () => (await core.listNamespacedServiceAccount({ namespace: name })).items.length > 0);
      return namespaceOf(name, { kubeconfig, core, batch });
    },
  };
}

function namespaceOf(
  name: string,
  { kubeconfig, core, batch }: Pick<GivenCluster, 'kubeconfig' | 'core' | 'batch'>,
): TestNamespace {
  const pods = async () => (await core.listNamespacedPod({ namespace: name })).items;
  return {
    name,
    pods,
    connection: (user) => ({
      source: kubeconfig,
      isInCluster: false,
      namespace: name,
      load: () => {
        const config = new KubeConfig();
        config.loadFromFile(kubeconfig);
        const cluster = config.getCurrentCluster();
        if (user !== undefined && cluster !== null) {
          config.loadFromClusterAndUser(cluster, { name: 'test', token: user.token });
        }
        return config;
      },
    }),
    podsAre: async (accepts) => {
      let seen: readonly V1Pod[] = [];
      await until(async () => {
        seen = await pods();
        return accepts(seen);
      });
      return seen;
    },
    left: async () => {
      const [jobs, secrets, allPods] = await Promise.all([
        batch.listNamespacedJob({ namespace: name }),
        core.listNamespacedSecret({ namespace: name }),
        pods(),
      ]);
      return [...jobs.items, ...secrets.items, ...allPods].map(({ metadata }) => metadata?.name ?? '');
    },
    // Its end takes ten seconds and nobody waits for it.
    remove: async () => {
      await core.deleteNamespace({ name });
    },
  };
}

/** And can be told to end. */
export function isRunning({ metadata, status }: V1Pod): boolean {
  const isUp = metadata?.deletionTimestamp === undefined && status?.phase === 'Running';
  return isUp && hearsSigterm(metadata?.uid ?? '');
}

// Of the whole run.
let hasFailed = false;
afterEach(function () {
  hasFailed ||= this.currentTest?.state === 'failed';
});
after(async () => (await shared)?.stop({ keepsLogs: hasFailed }));
