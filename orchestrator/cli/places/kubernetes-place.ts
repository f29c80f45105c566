/** The launcher of `on: kubernetes`: where the kubeconfig leads, or in the namespace of the pod that this runs in. */
import type { Logger } from 'pino';
import { findCluster, type KubeWishes } from '../../launchers/kubernetes/kube-connection.js';
import { createKubernetesLauncher } from '../../launchers/kubernetes/kubernetes-launcher.js';
import type { Launcher } from '../../launchers/launcher.js';

export interface KubernetesPlace extends KubeWishes {
  readonly logger: Logger;
  /** They go on without the control plane: it is a service, and comes back. */
  readonly keepsWorkers: boolean;
}

/** @throws SweepError USAGE where no cluster is known */
export function kubernetesLauncher(
  { logger, keepsWorkers, ...wishes }: KubernetesPlace,
  env: NodeJS.ProcessEnv = process.env,
): Launcher {
  const connection = findCluster(wishes, env);
  return createKubernetesLauncher({
    connection,
    logger,
    image: env['DSS_WORKER_IMAGE'] || null,
    keepsWorkers,
    // Of a control plane elsewhere nobody would look for it there.
    publishesCa: connection.isInCluster,
  });
}
