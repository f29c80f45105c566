/** What `dss ray clean` does. */
import { SweepError } from '../../core/errors.js';
import { RAY_SHAPE, raySettingsOf } from '../../core/sweep/places/ray-settings.js';
import { connectCluster } from '../../launchers/ray/connect.js';
import { sweepErrorOf } from '../../launchers/ray/ray-error.js';
import { planeOf, planePrefixOf } from '../../launchers/ray/worker-ids.js';
import { readHomeId } from '../../store/home-id.js';
import { resolveHome } from '../environment.js';
import { createLogger } from '../logging.js';
import { print, printJson } from '../output.js';
import { findRunningPlane } from '../server/running-plane.js';

export interface CleanFlags {
  readonly address: string;
  readonly all: boolean;
  readonly allowUntestedRay: boolean;
  readonly home: string | undefined;
  readonly json: boolean;
}

/** @throws SweepError */
export async function cleanRay({ address, all, allowUntestedRay, home: homeFlag, json }: CleanFlags): Promise<number> {
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
  const parsed = RAY_SHAPE.address.safeParse(address);
  if (!parsed.success) {
    throw new SweepError('USAGE', `--address: ${parsed.error.issues[0]?.message}, got "${address}"`);
  }
  const settings = raySettingsOf({ address, ray: { allow_untested_ray: allowUntestedRay } });
  try {
    const cluster = await connectCluster(settings, createLogger('warn'));
    const plane = homeId === null || all ? null : planeOf(homeId);
    const left = (await Promise.all(planePrefixOf(plane).map((prefix) => cluster.list(prefix)))).flat();
    for (const { workerId, state } of left) {
      if (state === 'ended') await cluster.forget(workerId);
      else await cluster.stop(workerId);
      if (!json) print(`${state === 'ended' ? 'removed' : 'stopped'} ${workerId}`);
    }
    if (json) printJson(left.map(({ workerId, state }) => ({ workerId, was: state })));
    else print(`${left.length === 0 ? 'nothing was left' : `${left.length} were left`} on ${cluster.address}`);
    await cluster.close();
    return 0;
  } catch (reason) {
    throw sweepErrorOf(reason);
  }
}
