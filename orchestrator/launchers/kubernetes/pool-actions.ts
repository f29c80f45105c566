/** What is to be done so that a pool has as many workers as it should: as values, from what was listed. */
import type { PoolSettings } from '../../core/sweep/places/kubernetes-settings.js';
import { countIndexes, endOf, type Job } from './kube-objects.js';
import { ANNOTATION, LABEL } from './worker-job.js';

export type PoolAction =
  | { readonly kind: 'create'; readonly key: string; readonly settings: PoolSettings; readonly workers: number }
  /** Its Secret is not there yet, as far as its annotations say. */
  | { readonly kind: 'join'; readonly key: string; readonly job: Job }
  | ResizeAction
  | ReleaseAction
  | { readonly kind: 'delete'; readonly key: string; readonly job: Job; readonly why: string };

interface ResizeAction {
  readonly kind: 'resize';
  readonly key: string;
  readonly job: Job;
  /** Indexes, those included that are over. */
  readonly workers: number;
  /** Its queue is to let in all of it, and nobody runs before. */
  readonly suspend: boolean;
}

/** What too few workers hold is given back, for others that may wait for just that. */
interface ReleaseAction {
  readonly kind: 'release';
  readonly key: string;
  readonly job: Job;
  /** That run. */
  readonly workers: number;
  /** That would have to. */
  readonly gang: number;
}

export interface PoolTarget {
  readonly key: string;
  readonly settings: PoolSettings;
  readonly workers: number;
  /** Of the widest trial that is to run on this pool's workers alone. */
  readonly widest: number;
  /** Of the narrowest. */
  readonly narrowest: number;
  /** Of what its Job must be made anew for. */
  readonly templateHash: string;
  /** `null`: it has no more workers than it should, or nobody has looked yet. */
  readonly surplusSinceMs: number | null;
  /** Workers that run. */
  readonly running: number;
  /** Indexes up to the last one whose worker has a trial. */
  readonly busy: number;
  /** Since when those are too few for any of its trials; `null`: they are not. */
  readonly tooFewSinceMs: number | null;
  /** After Jobs that failed, and what was refused; until then nothing is done about it. */
  readonly notBeforeMs: number;
}

/** For a gang to come together, in which images are pulled and nodes added. */
const GATHER_MS = 15 * 60_000;

/** Of every pool that is wanted, or has a Job. A Job that nobody wants goes when its pool's idle time is over. */
export function poolActions(
  targets: readonly PoolTarget[],
  jobs: readonly Job[],
  { nowMs, mayStart }: { nowMs: number; mayStart: boolean },
): readonly PoolAction[] {
  const byKey = new Map(jobs.map((job) => [job.metadata.labels[LABEL.pool] ?? '', job]));
  const wanted = new Set(targets.map(({ key }) => key));
  const unwanted = [...byKey].flatMap(([key, job]): readonly PoolAction[] =>
    wanted.has(key) ? [] : deletion(key, job, 'no sweep asks for it'),
  );
  return [...unwanted, ...targets.flatMap((target) => actionsFor(target, byKey.get(target.key), nowMs, mayStart))];
}

function actionsFor(target: PoolTarget, job: Job | undefined, nowMs: number, mayStart: boolean): readonly PoolAction[] {
  const { key, settings, workers, templateHash, surplusSinceMs, tooFewSinceMs, notBeforeMs, busy } = target;
  if (nowMs < notBeforeMs) return [];
  if (job === undefined) return mayStart && workers > 0 ? [{ kind: 'create', key, settings, workers }] : [];
  if (job.metadata.deletionTimestamp !== undefined) return [];
  if (endOf(job) !== null) return deletion(key, job, 'it is over');
  if (job.metadata.annotations[ANNOTATION.template] !== templateHash) {
    return mayStart || workers === 0 ? deletion(key, job, 'its workers are to be of another kind now') : [];
  }
  const joining: readonly PoolAction[] = isJoined(job) ? [] : [{ kind: 'join', key, job }];
  if (mayStart && tooFewSinceMs !== null && nowMs - tooFewSinceMs >= GATHER_MS) {
    return [{ kind: 'release', key, job, workers: target.running, gang: target.narrowest }];
  }
  const isIdle = surplusSinceMs !== null && nowMs - surplusSinceMs >= settings.idleMs;
  // A seat is for one worker, and made anew when that has ended.
  const isOver = workers === 0 && busy === 0 && isIdle;
  if (settings.shape.podPerTrial) return isOver ? deletion(key, job, 'it has been idle') : joining;
  const over = indexesOver(job);
  const has = job.spec.parallelism - over;
  const isLetIn = settings.shape.queue !== null && !job.spec.suspend;
  // A queue has let in what it was asked for: of another size it would be told to wait again, its workers included.
  // Only a trial for which they are too few, and always will be, is worth that.
  if (isLetIn && has >= target.widest && (workers > 0 || !isIdle)) return joining;
  const resize = { kind: 'resize', key, job, workers: workers + over, suspend: isLetIn } as const;
  if (workers > has) return mayStart ? [...joining, resize] : joining;
  if (isOver) return deletion(key, job, 'it has been idle');
  // Kubernetes takes the last indexes first: a trial that runs there would begin anew on a worker that is idle.
  const least = Math.max(resize.workers, busy);
  const mayShrink = isIdle && !isLetIn && least < job.spec.parallelism;
  return mayShrink ? [{ ...resize, workers: least }] : joining;
}

/** Whose workers have ended for good: they are counted, and not replaced. */
export function indexesOver({ status }: Job): number {
  return status.succeeded + countIndexes(status.failedIndexes);
}

/** A Job has workers to spare; also when it is not joined yet. */
export function hasSurplus(job: Job | undefined, workers: number): boolean {
  return job !== undefined && endOf(job) === null && job.spec.parallelism - indexesOver(job) > workers;
}

function isJoined({ metadata }: Job): boolean {
  return metadata.annotations[ANNOTATION.joined] === 'true';
}

function deletion(key: string, job: Job, why: string): readonly PoolAction[] {
  return job.metadata.deletionTimestamp === undefined ? [{ kind: 'delete', key, job, why }] : [];
}
