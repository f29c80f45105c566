import type { V1Pod } from '@kubernetes/client-node';
import {
  createKubernetesLauncher,
  type KubernetesLauncherOptions,
} from '../../orchestrator/launchers/kubernetes/kubernetes-launcher.js';
import { keepsTheContract, type LaunchPlace } from '../launchers/contract.js';
import { silent } from '../support/control-planes.js';
import { findFirstProcess, hearsSigterm } from './cluster/pod-process.js';
import { type GivenCluster, givenCluster } from './given-cluster.js';
import { LIVES } from './told-launcher.js';

const POOL = { name: 'a', command: LIVES } as const;

let cluster: GivenCluster;

keepsTheContract('kubernetes', placeOn, {
  survives: true,
  prepare: async (test) => {
    cluster = await givenCluster(test);
  },
});

/** A namespace, whose pods are told to come to a control plane that nobody asks for here. */
async function placeOn(): Promise<LaunchPlace> {
  const namespace = await cluster.namespace();
  const options: Omit<KubernetesLauncherOptions, 'keepsWorkers'> = {
    connection: namespace.connection(),
    logger: silent,
    image: 'worker',
    // The suite asks as fast as it can, and a server of its own.
    api: { perSecond: 100, burst: 100 },
  };
  const launcher = (keepsWorkers: boolean) => createKubernetesLauncher({ ...options, keepsWorkers });
  return {
    launcher,
    settings: (max) => ({ pools: [{ ...POOL, max }] }),
    wishes: { reachable: { address: 'dss:7333', storeAddress: null, ca: 'the CA' } },
    processes: async () => processesOf(await namespace.pods()),
    hopeless: {
      launcher: () => launcher(false),
      settings: { pools: [{ ...POOL, image: 'missing/image:1' }] },
      words: /does not start, (?:ErrImagePull|ImagePullBackOff).*missing\/image:1/,
    },
    [Symbol.asyncDispose]: () => namespace.remove(),
  };
}

/** As the node has them, by the names of their pods. One that would not hear that it is to end is still on its way. */
function processesOf(pods: readonly V1Pod[]): ReadonlyMap<string, number> {
  const processes = new Map<string, number>();
  for (const { metadata } of pods) {
    const uid = metadata?.uid ?? '';
    const pid = findFirstProcess(uid);
    if (pid !== null && hearsSigterm(uid)) processes.set(metadata?.name ?? '', pid);
  }
  return processes;
}
