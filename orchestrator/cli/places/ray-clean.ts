/** What `dss ray clean` does. */
import type { ZodError } from 'zod';
import { SweepError } from '../../core/errors.js';
import { RAY_SHAPE, type RaySettings, raySettingsOf } from '../../core/sweep/places/ray-settings.js';
import type { RayCluster } from '../../launchers/ray/cluster.js';
import { connectEachWay } from '../../launchers/ray/connect.js';
import { sweepErrorOf } from '../../launchers/ray/ray-error.js';
import { planeOf, planePrefixOf } from '../../launchers/ray/worker-ids.js';
import { readHomeId } from '../../store/home-id.js';
import { resolveHome } from '../environment.js';
import { createLogger } from '../logging.js';
import { print, printJson } from '../output.js';
import { findRunningPlane } from '../server/running-plane.js';

export interface CleanFlags {
  readonly address: string;
  readonly adapter: 'auto' | 'jobs' | 'client';
  readonly rayNamespace: string;
  readonly all: boolean;
  readonly allowUntestedRay: boolean;
  readonly home: string | undefined;
  readonly json: boolean;
}

interface Left {
  readonly workerId: string;
  readonly was: string;
}

/** @throws SweepError */
export async function cleanRay({ home: homeFlag, all, json, ...asked }: CleanFlags): Promise<number> {
  const home = resolveHome(homeFlag);
  const running = await findRunningPlane(home);
  if (running !== null) {
    throw new SweepError('STATE_HELD', `a control plane runs on ${home}, and looks after its workers by itself`, {
      hint: `stop it first (process ${running.pid} on ${running.host})`,
    });
  }
  const homeId = readHomeId(home);
  if (homeId === null && !all) {
    if (json) printJson([]);
    else print(`nothing of ${home} is on any cluster: it never had a control plane`);
    return 0;
  }
  const prefixes = planePrefixOf(homeId === null || all ? null : planeOf(homeId));
  try {
    const found: Left[] = [];
    for (const cluster of await connectEachWay(settingsOf(asked), createLogger('warn'))) {
      const left = await removed(cluster, prefixes);
      await cluster.close();
      found.push(...left);
      if (json) continue;
      for (const { workerId, was } of left) print(`${was === 'ended' ? 'removed' : 'stopped'} ${workerId}`);
      print(`${left.length === 0 ? 'nothing was left' : `${left.length} were left`} on ${cluster.address}`);
    }
    if (json) printJson(found);
    return 0;
  } catch (reason) {
    throw sweepErrorOf(reason);
  }
}

type Asked = Pick<CleanFlags, 'address' | 'adapter' | 'rayNamespace' | 'allowUntestedRay'>;

/** @throws SweepError USAGE */
function settingsOf({ address, adapter, rayNamespace, allowUntestedRay }: Asked): RaySettings {
  const ray = { adapter, namespace: rayNamespace, allow_untested_ray: allowUntestedRay };
  mustFit('--address', address, RAY_SHAPE.address.safeParse(address).error);
  mustFit('--ray-namespace', rayNamespace, RAY_SHAPE.ray.safeParse(ray).error);
  return raySettingsOf({ address, ray });
}

function mustFit(flag: string, value: string, error: ZodError | undefined): void {
  if (error !== undefined) throw new SweepError('USAGE', `${flag}: ${error.issues[0]?.message}, got "${value}"`);
}

async function removed(cluster: RayCluster, prefixes: readonly string[]): Promise<readonly Left[]> {
  const workers = (await Promise.all(prefixes.map((prefix) => cluster.list(prefix)))).flat();
  for (const { workerId, state } of workers) {
    if (state === 'ended') await cluster.forget(workerId);
    else await cluster.stop(workerId);
  }
  return workers.map(({ workerId, state }) => ({ workerId, was: state }));
}
