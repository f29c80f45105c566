/** Chooses how a cluster is spoken to, once, and checks that it is one that we know. */
import type { Logger } from 'pino';
import type { RaySettings } from '../../core/sweep/places/ray-settings.js';
import type { RayCluster, WorkerCode } from './cluster.js';
import { connectionOf } from './connection.js';
import { JobsCluster } from './jobs.js';
import { RayError } from './ray-error.js';
import { jittered, steadily } from './retries.js';
import { mustBeTested } from './tested-versions.js';

/** `auto` takes the Jobs interface where the dashboard answers: it needs no pickles, and keeps exit codes. */
export async function connectCluster(
  settings: RaySettings,
  logger: Logger,
  code: () => WorkerCode | null = () => null,
): Promise<RayCluster> {
  const cluster = await chosen(settings, logger, code);
  const { rayVersion } = await cluster.facts();
  mustBeTested(rayVersion, cluster.address, settings.allowUntestedRay);
  logger.info({ address: cluster.address, adapter: cluster.adapter, rayVersion }, 'ray: connected');
  return cluster;
}

/** By each way that answers: of jobs the client protocol knows nothing, nor of actors the Jobs interface. @throws RayError */
export async function connectEachWay(settings: RaySettings, logger: Logger): Promise<readonly RayCluster[]> {
  const ways = settings.adapter === 'auto' ? (['jobs', 'client'] as const) : [settings.adapter];
  const tried = await Promise.allSettled(ways.map((adapter) => connectCluster({ ...settings, adapter }, logger)));
  const clusters = tried.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failures = tried.flatMap((each): readonly unknown[] => (each.status === 'rejected' ? [each.reason] : []));
  const isAbsent = (reason: unknown) => reason instanceof RayError && reason.kind === 'unreachable';
  const [worst] = clusters.length === 0 ? failures : failures.filter((reason) => !isAbsent(reason));
  if (worst !== undefined) {
    await Promise.all(clusters.map((cluster) => cluster.close()));
    throw worst;
  }
  for (const reason of failures) logger.warn({ message: (reason as Error).message }, 'ray: not looked at');
  return clusters;
}

async function chosen(settings: RaySettings, logger: Logger, code: () => WorkerCode | null): Promise<RayCluster> {
  const { dashboard, client, token, tls } = connectionOf(settings);
  if (dashboard !== null) {
    const jobs = new JobsCluster({ base: dashboard, token, tls, pause: jittered(), poll: steadily() });
    if (client === null) return jobs;
    try {
      await jobs.facts();
      logger.info({ dashboard: dashboard.origin }, 'ray: the dashboard answers, so workers are jobs');
      return jobs;
    } catch (reason) {
      if (!(reason instanceof RayError) || reason.kind === 'refused') throw reason;
      const message = reason.message;
      logger.info({ dashboard: dashboard.origin, client, message }, 'ray: no dashboard, so workers are actors');
    }
  }
  const { ClientCluster } = await import('./client/client-cluster.js');
  const { namespace } = settings;
  return new ClientCluster({ address: client ?? '', token, tls, namespace, pause: jittered(), code });
}
