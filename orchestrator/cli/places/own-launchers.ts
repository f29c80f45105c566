/** The launchers of a control plane that a command starts: each place's code is loaded where it is asked for. */
import type { Logger } from 'pino';
import { SweepError } from '../../core/errors.js';
import { PLACE_NAMES, type PlaceName } from '../../core/sweep/place.js';
import type { Launcher } from '../../launchers/launcher.js';
import { findTrainingPython, pythonPath } from '../python.js';

export interface KubernetesFlags {
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
}

export interface LauncherWishes {
  readonly places: readonly PlaceName[];
  readonly logger: Logger;
  /** Workers elsewhere go on without the control plane: it is a service, and comes back. */
  readonly keepsWorkers: boolean;
  /** Which cluster, and where in it; what is left out is the kubeconfig's to say. */
  readonly kubernetes?: KubernetesFlags;
  /** Of workers on this machine; see LocalLauncherOptions. */
  readonly trials?: number;
  readonly devices?: number;
  readonly slots?: number;
}

/** @throws SweepError PYTHON_MISSING, PACKAGE_MISSING, or USAGE where no cluster is known or one is named that nobody asks */
export async function ownLaunchers(wishes: LauncherWishes): Promise<readonly Launcher[]> {
  const { places, kubernetes = {} } = wishes;
  for (const [flag, value] of Object.entries(kubernetes)) {
    if (value === undefined || places.includes('kubernetes')) continue;
    throw new SweepError('USAGE', `--${flag}: it is for --on kubernetes, got "${value}" and no workers there`, {
      hint: 'add --on kubernetes, or leave it out; a control plane in Kubernetes is --server kubernetes://NAMESPACE',
    });
  }
  return await Promise.all(wishes.places.map((place) => launcherOf(place, wishes)));
}

async function launcherOf(
  place: PlaceName,
  { logger, keepsWorkers, kubernetes, trials, devices, slots }: LauncherWishes,
): Promise<Launcher> {
  switch (place) {
    case 'local': {
      const { createLocalLauncher } = await import('../../launchers/local.js');
      return createLocalLauncher({
        python: await findTrainingPython(),
        pythonPath: pythonPath(),
        logger,
        ...(trials === undefined ? {} : { trials }),
        ...(devices === undefined ? {} : { devices }),
        ...(slots === undefined ? {} : { slots }),
      });
    }
    case 'kubernetes': {
      const { kubernetesLauncher } = await import('./kubernetes-place.js');
      return kubernetesLauncher({ logger, keepsWorkers, ...kubernetes });
    }
    case 'ray': {
      const { rayLauncher } = await import('./ray-place.js');
      return rayLauncher({ logger, keepsWorkers });
    }
  }
}

/** @throws SweepError USAGE */
export function parsePlace(name: string): PlaceName {
  const place = PLACE_NAMES.find((each) => each === name);
  if (place !== undefined) return place;
  throw new SweepError('USAGE', `--on: expected ${PLACE_NAMES.join(' or ')}, got "${name}"`);
}
