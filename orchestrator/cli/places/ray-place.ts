/** The launcher of `on: ray`: clusters are those that sweep files name. */
import type { Logger } from 'pino';
import type { Launcher } from '../../launchers/launcher.js';
import { connectCluster } from '../../launchers/ray/connect.js';
import { createRayLauncher } from '../../launchers/ray/ray-launcher.js';
import { pythonPath } from '../python.js';

export interface RayPlace {
  readonly logger: Logger;
  /** They go on without the control plane: it is a service, and comes back. */
  readonly keepsWorkers: boolean;
}

export function rayLauncher({ logger, keepsWorkers }: RayPlace): Launcher {
  return createRayLauncher({
    logger,
    pythonPath: pythonPath(),
    keepsWorkers,
    connect: (settings, code) => connectCluster(settings, logger, code),
  });
}
