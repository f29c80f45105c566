/** Makes, resizes and removes the Jobs of pools. */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { failpoint } from '../../control/failpoints.js';
import { SweepError } from '../../core/errors.js';
import type { Notice } from '../../core/notice.js';
import { type PoolSettings, tokenPoolOf } from '../../core/sweep/places/kubernetes-settings.js';
import type { LaunchContext } from '../launcher.js';
import { sha256 } from '../sha256.js';
import type { KubeApi } from './kube-api.js';
import { KubeError } from './kube-error.js';
import { type Job, parseJob } from './kube-objects.js';
import type { PoolAction } from './pool-actions.js';
import {
  ANNOTATION,
  type JobSurroundings,
  jobName,
  jobOf,
  LABEL,
  QUEUE_LABEL,
  secretOf,
  selectorOf,
  templateText,
} from './worker-job.js';

export interface PoolJobsParts {
  readonly api: KubeApi;
  readonly around: JobSurroundings;
  readonly context: LaunchContext;
  readonly logger: Logger;
  readonly onJobFailed: (key: string) => void;
}

/** Why nothing more is tried of a pool for a while. */
export interface Obstacle {
  readonly notice: Notice;
  /** That it is to last. */
  readonly atLeastMs: number;
}

/** ConfigMap with the CA. */
export const CA_CONFIG_MAP = 'dss-ca';
const HASH_LETTERS = 16;
/** After too few of a gang: long enough for another one to have what these held. */
const RELEASED_MS = 30_000;

export class PoolJobs {
  readonly #parts: PoolJobsParts;
  readonly #ca: string;

  constructor(parts: PoolJobsParts) {
    this.#parts = parts;
    this.#ca = parts.context.reachable?.ca ?? '';
  }

  /** Of what a Job must be made anew for. */
  hashOf(key: string, settings: PoolSettings): string {
    return sha256(templateText(key, settings, this.#parts.around, this.#ca)).slice(0, HASH_LETTERS);
  }

  async list(): Promise<readonly Job[]> {
    const { api, around } = this.#parts;
    return (await api.list('jobs', { labels: selectorOf(around.plane) })).items.map(parseJob);
  }

  /** What stands in the way of one pool leaves the others alone: it is given back. Throws KubeError for the rest. */
  async act(action: PoolAction): Promise<Obstacle | null> {
    try {
      return await this.#act(action);
    } catch (reason) {
      if (!(reason instanceof KubeError) || reason.isOfServer) throw reason;
      const { code, message, hint } = reason.toSweepError();
      const notice = { code, message: `pool ${action.key}: ${message}`, hint };
      return { notice, atLeastMs: reason.retryAfterMs ?? 0 };
    }
  }

  /** For a control plane whose workers end with it. What cannot be removed is named in the log. */
  async removeAll(): Promise<void> {
    const { api, around, logger } = this.#parts;
    try {
      for (const { metadata } of await this.list()) await api.delete('jobs', metadata.name, metadata.uid);
    } catch (reason) {
      const error = reason instanceof KubeError ? reason.toSweepError() : SweepError.from(reason);
      const selector = selectorOf(around.plane);
      logger.error({ message: error.message, selector }, 'kubernetes: Jobs of workers are left behind');
    }
  }

  async publishCa(): Promise<void> {
    await this.#parts.api.apply('configmaps', CA_CONFIG_MAP, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: CA_CONFIG_MAP, labels: { [LABEL.name]: 'dss', [LABEL.managedBy]: 'dss' } },
      data: { 'ca.pem': this.#ca },
    });
  }

  async #act(action: PoolAction): Promise<Obstacle | null> {
    const { api, logger } = this.#parts;
    const { key } = action;
    switch (action.kind) {
      case 'create':
        return await this.#create(key, action.settings, action.workers);
      case 'join':
        await this.#join(key, action.job);
        return null;
      case 'resize': {
        const { job, workers, suspend } = action;
        logger.info({ pool: key, workers, suspend }, 'kubernetes: pool resized');
        // Both together: Kubernetes takes no other change of an Indexed Job's completions.
        const size = { completions: workers, parallelism: workers };
        await api.patch('jobs', job.metadata.name, { spec: suspend ? { ...size, suspend } : size });
        return null;
      }
      case 'release': {
        const { metadata } = action.job;
        logger.info({ pool: key, workers: action.workers, gang: action.gang }, 'kubernetes: pool released');
        await api.delete('jobs', metadata.name, metadata.uid);
        return { notice: tooFew(action), atLeastMs: RELEASED_MS };
      }
      case 'delete': {
        const { metadata, status } = action.job;
        logger.info({ pool: key, why: action.why }, 'kubernetes: pool removed');
        if (status.conditions.some(({ type, status: is }) => type === 'Failed' && is === 'True')) {
          this.#parts.onJobFailed(key);
        }
        await api.delete('jobs', metadata.name, metadata.uid);
        return null;
      }
    }
  }

  async #create(key: string, settings: PoolSettings, workers: number): Promise<Obstacle | null> {
    const { api, around, logger } = this.#parts;
    const secretName = `${jobName(key)}-${randomBytes(4).toString('hex')}`;
    const body = jobOf({ key, settings, secretName, workers }, around, this.hashOf(key, settings));
    failpoint('before-launch');
    let job: Job;
    try {
      job = parseJob(await api.create('jobs', body));
    } catch (reason) {
      if (!(reason instanceof KubeError) || reason.reason !== 'AlreadyExists') throw reason;
      const notice = {
        code: 'NAME_TAKEN',
        message: `there is a Job ${jobName(key)} already that is not of this control plane`,
        hint: 'another control plane in this namespace has the same pool: wait for it, or name the pool otherwise',
      };
      return { notice, atLeastMs: 0 };
    }
    logger.info({ pool: key, workers }, 'kubernetes: pool created');
    failpoint('after-launch');
    await this.#join(key, job);
    return null;
  }

  /** Gives it the Secret that its pods wait for, and lets it go; where a queue has it, that lets it go. */
  async #join(key: string, { metadata }: Job): Promise<void> {
    const { api, around, context } = this.#parts;
    const secretName = metadata.annotations[ANNOTATION.secret] ?? `${jobName(key)}-join`;
    const join = { token: context.grantPool(tokenPoolOf(key)), ca: this.#ca };
    const secret = secretOf({ key, secretName }, around, { uid: metadata.uid }, join);
    try {
      await api.create('secrets', secret);
    } catch (reason) {
      // Of a control plane that ended just then: nobody knows its token, and no pod has read it yet.
      if (!(reason instanceof KubeError) || reason.reason !== 'AlreadyExists') throw reason;
      await api.delete('secrets', secretName);
      await api.create('secrets', secret);
    }
    await api.patch('jobs', metadata.name, {
      metadata: { annotations: { [ANNOTATION.joined]: 'true' } },
      ...(QUEUE_LABEL in metadata.labels ? {} : { spec: { suspend: false } }),
    });
  }
}

function tooFew({ key, workers, gang }: { key: string; workers: number; gang: number }): Notice {
  const came = `${workers} of the ${gang} workers of pool ${key} that train one model together came`;
  return {
    code: 'GANG_INCOMPLETE',
    message: `only ${came}: what they had is free for others, and the pool is made again`,
    hint: 'has the cluster room for all of them at once? A queue of Kueue (`queue` of the pool) lets in all or none',
  };
}
